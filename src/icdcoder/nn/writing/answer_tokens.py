"""The answers that a language model is trained to write: the codes of a note as token numbers.

Each code's item is cut into tokens by itself, its mark (";") included, as `nn.writing.label_trie` explains; so the
same numbers are trained, decoded under constraint, and read back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from icdcoder.nn.knowledge_tables import sized_by_state
from icdcoder.nn.writing.label_trie import MARK, NOTHING, LabelTrie

NO_TOKEN = -1


class AnswerTokens(nn.Module):
    """Everything is kept in buffers, so that a saved model needs no tokenizer for its answers.

    items: the text of each code, in the order of the label space. encode: the tokenizer, without special tokens; None
    where the buffers will be loaded. end: the token that ends an answer. notes: of how many training notes each code
    is; codes are written by falling frequency, as the paper does not say in which order.
    """

    pieces: Tensor
    nothing: Tensor
    rank: Tensor

    def __init__(
        self, items: Sequence[str], encode: Callable[[str], Iterable[int]] | None, end: int, notes: Sequence[int] | None
    ) -> None:
        super().__init__()
        self.items = tuple(items)
        self.end = end
        counts = torch.tensor([0] * len(items) if notes is None else list(notes))
        self.register_buffer("rank", counts.argsort(descending=True, stable=True).argsort())
        cut = [torch.zeros(0, dtype=torch.long)] * (len(items) + 1)
        if encode is not None:
            cut = [torch.tensor([int(n) for n in encode(f"{item}{MARK}")]) for item in (*items, NOTHING)]
        pieces = nn.utils.rnn.pad_sequence(cut[:-1], batch_first=True, padding_value=NO_TOKEN)
        self.register_buffer("pieces", pieces.long())
        self.register_buffer("nothing", cut[-1].long())
        sized_by_state(self, "pieces", "nothing")

    @property
    def known(self) -> bool:
        """Whether there was a tokenizer to write the codes with."""
        return self.pieces.numel() > 0

    @property
    def trie(self) -> LabelTrie:
        """All answers of the label space. Raises ConfigError where the tokenizer writes two codes alike."""
        rows = [*self.pieces.tolist(), self.nothing.tolist()]
        cut = {f"{item}{MARK}": row for item, row in zip((*self.items, NOTHING), rows, strict=True)}
        return LabelTrie.build(self.items, lambda text: [n for n in cut[text] if n != NO_TOKEN], self.end)

    def forward(
        self, targets: Float[Tensor, "note code"]
    ) -> tuple[Int[Tensor, "note place"], Bool[Tensor, "note place"]]:
        """The answer of each note with its end, padded on the right with the end; True on what is to be written."""
        answers = []
        for row in targets > 0:
            codes = row.nonzero()[:, 0]
            codes = codes[self.rank[codes].argsort()]
            written = self.pieces[codes].reshape(-1) if len(codes) else self.nothing
            answers.append(nn.functional.pad(written[written != NO_TOKEN], (0, 1), value=self.end))
        tokens = nn.utils.rnn.pad_sequence(answers, batch_first=True, padding_value=NO_TOKEN)
        return tokens.masked_fill(tokens == NO_TOKEN, self.end), tokens != NO_TOKEN


def answer_loss(
    logits: Float[Tensor, "note place vocabulary"],
    answer: Int[Tensor, "note place"],
    mask: Bool[Tensor, "note place"],
) -> Float[Tensor, ""]:
    """L_gen: the cross entropy of the answer's tokens, a mean over each note's and then over the notes.

    The mean over all tokens of a batch would depend on which notes are computed together.
    """
    losses = nn.functional.cross_entropy(logits.float().transpose(1, 2), answer, reduction="none")
    return ((losses * mask).sum(1) / mask.sum(1)).mean()
