"""What stands around a note when a language model is asked for its codes, as token numbers kept with the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from icdcoder.nn.knowledge_tables import sized_by_state
from icdcoder.nn.sequence_parts import Joined, joined

Part = tuple[Int[Tensor, "_ _"], Bool[Tensor, "_ _"]]


class Prompt(nn.Module):
    """The same for all notes: special tokens and an instruction before the note, a request and special tokens after it.

    texts: what stands before and after. encode: the tokenizer, without special tokens; None where the buffers will be
    loaded. special: numbers that the tokenizer sets before and after a whole text.
    """

    before: Tensor
    after: Tensor

    def __init__(
        self,
        texts: tuple[str, str],
        encode: Callable[[str], Iterable[int]] | None,
        special: tuple[Sequence[int], Sequence[int]],
    ) -> None:
        super().__init__()
        cut = [[int(n) for n in encode(text)] if encode is not None and text else [] for text in texts]
        self.register_buffer("before", torch.tensor([*special[0], *cut[0]], dtype=torch.long))
        self.register_buffer("after", torch.tensor([*cut[1], *special[1]], dtype=torch.long))
        sized_by_state(self, "before", "after")

    def around(
        self,
        tokens: Int[Tensor, "note token"],
        mask: Bool[Tensor, "note token"],
        pad: int,
        *more: Part,
        without: int = 0,
    ) -> Joined:
        """The parts before, note, after, and what follows them. without: how many of the first tokens are left out,
        since they have been read."""
        before, after = (
            (part[None], torch.ones_like(part[None]).bool()) for part in (self.before[without:], self.after)
        )
        return joined(pad, before, (tokens, mask), after, *more)
