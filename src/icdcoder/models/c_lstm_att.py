"""C-LSTM-Att: reads the diagnoses that a note lists, letter by letter, and matches them with the titles of the codes.

Shi, Xie, Hu, Zhang and Xing, "Towards Automated ICD Coding Using Deep Learning", 2017, arXiv 1711.04075. An LSTM over
the letters of each word gives the word's vector, one over the words gives the vector of a text; h_m: of the m-th
written diagnosis, u_ℓ: of the title of code ℓ, by an encoder of the same form with weights of its own.

    soft:  a_ℓm = softmax_m(h_m · u_ℓ)        hard: a_ℓm = 1 for the m with the greatest h_m · u_ℓ, else 0
    e_ℓ = Σ_m a_ℓm h_m                        logit_ℓ = w_ℓ · e_ℓ + b_ℓ

The authors' code is not public, and the sizes are ours. What we add or leave out:
- The diagnoses are found by `text/channels/diagnoses.py`. Where a note lists none, `without_list = "windows"` reads the
  whole of it in windows of `item_tokens` words as if each were a diagnosis, so that every note is coded by what it
  says; with "nothing" such a note scores b_ℓ.
- A word that the vocabulary does not hold has no letters here: set `text.min_documents = 1` to lose fewest.
- The attention given to explainers spreads a_ℓm evenly over the words of diagnosis m.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor, nn

from icdcoder.core.config import Settings
from icdcoder.core.errors import ConfigError
from icdcoder.knowledge import descriptions
from icdcoder.nn.contract import PAD, Batch, ModelContext, Scores
from icdcoder.nn.knowledge_tables import token_table
from icdcoder.nn.label_attention import attention, label_logits
from icdcoder.nn.recurrent import no_float16_on_cpu
from icdcoder.nn.remembered import Remembered

DIAGNOSES = "diagnoses"
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"
OTHER_LETTER = len(LETTERS) + 1  # 0 is no letter


class Config(Settings):
    """letters: width of a letter's vector. word_letters: a word is cut to so many. hidden: width of both LSTMs.

    items: at most so many diagnoses of a note are read. item_tokens: each, and each title, is cut to so many words.
    descriptions: a file of better titles (knowledge/code_texts.py).
    """

    letters: int = Field(32, gt=0)
    word_letters: int = Field(16, gt=0)
    hidden: int = Field(128, gt=0)
    items: int = Field(64, gt=0)
    item_tokens: int = Field(12, gt=0)
    selection: Literal["soft", "hard"] = "soft"
    without_list: Literal["windows", "nothing"] = "windows"
    descriptions: Path | None = None


def build(config: Config, context: ModelContext) -> CLSTMAtt:
    """Raises ConfigError where the notes are not read as words, InputError for a bad file of descriptions."""
    spelt = torch.zeros(context.vocabulary_size, config.word_letters, dtype=torch.long)
    titles = [""] * len(context.space)
    if context.encode is not None:
        if context.words is None:
            raise ConfigError('c_lstm_att reads the letters of words; set tokens = "words" in the table [text].')
        spelt = letters_of(context.words, config.word_letters)
        titles = descriptions.of(context.space, config.descriptions)
    return CLSTMAtt(
        spelt,
        token_table(titles, config.item_tokens, context),
        letters=config.letters,
        hidden=config.hidden,
        items=config.items,
        hard=config.selection == "hard",
        windows=config.without_list == "windows",
    )


def letters_of(words: Sequence[str], width: int) -> Int[Tensor, "word letter"]:
    """The number of each letter, 0 behind the word. Padding and the unknown word, the first two, have none of their
    own: the one is empty, the other a single letter that no word begins with."""
    found = torch.zeros(len(words), width, dtype=torch.long)
    found[1, 0] = OTHER_LETTER
    for row, word in zip(found[2:], words[2:], strict=True):
        numbers = [LETTERS.find(letter) + 1 or OTHER_LETTER for letter in word[:width]]
        row[: len(numbers)] = torch.tensor(numbers)
    return found


class CLSTMAtt(nn.Module):
    """spelt: the letters of each word of the vocabulary. titles: the words of each code's title."""

    CHANNELS = (DIAGNOSES,)

    def __init__(
        self,
        spelt: Int[Tensor, "word letter"],
        titles: Int[Tensor, "code width"],
        *,
        letters: int,
        hidden: int,
        items: int,
        hard: bool = False,
        windows: bool = True,
    ) -> None:
        super().__init__()
        self.of_notes = TextEncoder(letters, hidden)
        self.of_titles = TextEncoder(letters, hidden)
        self.weights = nn.Parameter(torch.empty(len(titles), hidden))
        self.bias = nn.Parameter(torch.zeros(len(titles)))
        nn.init.xavier_uniform_(self.weights)
        self.items, self.hard, self.windows = items, hard, windows
        self.spelt: Tensor
        self.titles: Tensor
        self.register_buffer("spelt", spelt)
        self.register_buffer("titles", titles)
        self._remembered = Remembered()

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        number, place = self._places(batch)
        read = self._items(batch.tokens, number, place)
        listed = read[:, :, 0] != PAD
        states = self.of_notes(self.spelt, read.flatten(0, 1)).unflatten(0, listed.shape)
        states = states.masked_fill(~listed[..., None], 0.0)
        queries = self._queries() if self.training else self._remembered(self._queries, self.state_dict().values())
        if self.hard:
            logits = self._hard(states, listed, queries)
        else:
            logits = label_logits(states, states, listed, queries, self.weights, self.bias, batch.targets)
        if attention_codes is None:
            return Scores(logits)
        chosen = attention(states.float(), listed, queries[attention_codes].float())
        if self.hard:
            chosen = torch.zeros_like(chosen).scatter(2, chosen.argmax(2, keepdim=True), 1.0) * listed[:, None]
        return Scores(logits, self._over_tokens(chosen, number, read))

    def _queries(self) -> Float[Tensor, "code hidden"]:
        return self.of_titles(self.spelt, self.titles)

    def _places(self, batch: Batch) -> tuple[Int[Tensor, "note token"], Int[Tensor, "note token"]]:
        """(the diagnosis that each token belongs to, from 1; 0 for none or cut off, its place in it)."""
        width = self.titles.shape[1]
        at = torch.arange(batch.tokens.shape[1], device=batch.tokens.device).expand_as(batch.tokens)
        number = batch.channels.get(DIAGNOSES, torch.zeros_like(batch.tokens)).masked_fill(~batch.mask, 0)
        if self.windows:
            windows = (at // width + 1).masked_fill(~batch.mask, 0)
            number = torch.where(number.any(1, keepdim=True), number.masked_fill(number > self.items, 0), windows)
        else:
            number = number.masked_fill(number > self.items, 0)
        size = int(number.max()) + 1
        first = torch.full((len(number), size), at.shape[1], device=at.device).scatter_reduce(1, number, at, "amin")
        place = at - first.gather(1, number)
        return number.masked_fill(place >= width, 0), place

    def _items(
        self, tokens: Int[Tensor, "note token"], number: Int[Tensor, "note token"], place: Int[Tensor, "note token"]
    ) -> Int[Tensor, "note item width"]:
        """The words of each diagnosis; a batch without any has one that is empty."""
        width = self.titles.shape[1]
        table = tokens.new_full((len(tokens), max(1, int(number.max())), width), PAD)
        note, at = number.nonzero(as_tuple=True)
        table[note, number[note, at] - 1, place[note, at]] = tokens[note, at]
        return table

    def _hard(
        self,
        states: Float[Tensor, "note item hidden"],
        listed: Bool[Tensor, "note item"],
        queries: Float[Tensor, "code hidden"],
    ) -> Float[Tensor, "note code"]:
        likeness = (states @ queries.t()).masked_fill(~listed[..., None], float("-inf"))
        scores = states @ self.weights.t()
        return scores.gather(1, likeness.argmax(1, keepdim=True)).squeeze(1) + self.bias

    def _over_tokens(
        self,
        chosen: Float[Tensor, "note asked item"],
        number: Int[Tensor, "note token"],
        read: Int[Tensor, "note item width"],
    ) -> Float[Tensor, "note asked token"]:
        each = chosen / (read != PAD).sum(2).clamp(min=1)[:, None]
        index = (number - 1).clamp(min=0)[:, None].expand(-1, chosen.shape[1], -1)
        return each.gather(2, index).masked_fill((number == 0)[:, None], 0.0)


class TextEncoder(nn.Module):
    """Texts → vectors: one LSTM over the letters of each word, one over the words; of each the last state."""

    def __init__(self, letters: int, hidden: int) -> None:
        super().__init__()
        self.letters = nn.Embedding(OTHER_LETTER + 1, letters, padding_idx=0)
        self.of_letters = nn.LSTM(letters, hidden, batch_first=True)
        self.of_words = nn.LSTM(hidden, hidden, batch_first=True)

    def forward(
        self, spelt: Int[Tensor, "word letter"], texts: Int[Tensor, "text width"]
    ) -> Float[Tensor, "text hidden"]:
        """A text is filled up with PAD; the vector of an empty one is of no meaning."""
        words, where = torch.unique(texts, return_inverse=True)
        letters = spelt[words]
        with no_float16_on_cpu():
            vectors = _last(self.of_letters(self.letters(letters))[0], letters != 0)
            return _last(self.of_words(vectors[where])[0], texts != PAD)


def _last(states: Float[Tensor, "text place hidden"], mask: Bool[Tensor, "text place"]) -> Float[Tensor, "text hidden"]:
    last = (mask.sum(1) - 1).clamp(min=0)
    return states.gather(1, last[:, None, None].expand(-1, 1, states.shape[2])).squeeze(1)
