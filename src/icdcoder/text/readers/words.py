"""Words by the rule of a published system (`text/rules.py`), numbered by a vocabulary fitted on the training notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from icdcoder.core.config import Settings
from icdcoder.text.reader import Encoded, Ids
from icdcoder.text.rules import named, spelt
from icdcoder.text.tokens import cut_by_zeros, kept_word, raw_words
from icdcoder.text.vocabulary import Vocabulary
from icdcoder.text.word_table import LONGEST, WordTable, cut

FILES = ("vocabulary.txt",)
# A draft number that stands for no word: the rule leaves numbers out.
LEFT_OUT = -1
# Texts are looked up together until they have so many characters: more fit no cache, and take a quarter longer.
CHARACTERS = 1 << 20
# Rules that cut words alike, for which there is a quicker way.
AS_CAML = ("caml", "msmn")


class Config(Settings):
    """min_documents: a word needs to be in that many training notes. rule: how words are cut, as which system does.

    vocabulary_parts: "all" counts the words of validation and test notes too (never their codes), as the code of LAAT
    and of MSMN does. It is of use to repeat their figures alone: a word that only test notes have is unknown to a coder
    in use, and its report says that it was read beforehand.
    """

    min_documents: int = Field(default=3, ge=1)
    rule: Literal["caml", "edin", "laat", "transicd", "msmn", "raw"] = "caml"
    vocabulary_parts: Literal["train", "all"] = "train"


@dataclass(frozen=True)
class WordReader:
    """0 is padding, 1 a word that the vocabulary does not hold."""

    vocabulary: Vocabulary
    rule: str = "caml"

    @property
    def size(self) -> int:
        return len(self.vocabulary)

    @property
    def files(self) -> tuple[str, ...]:
        return FILES

    def read(self, text: str) -> Encoded:
        tokens = named(self.rule)(text)
        return Encoded(self.vocabulary.encode(tokens.texts), tokens.offsets)

    def encode(self, text: str) -> Ids:
        return self.read(text).ids

    def encode_all(self, texts: Sequence[str]) -> list[Ids]:
        return _Bulk(self.rule, self.vocabulary.number)(texts)

    def save(self, folder: Path) -> None:
        self.vocabulary.save(folder / FILES[0])


class WordLearner:
    """Numbers words in the order in which they appear, and fits the vocabulary at the end."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.reads_all = config.vocabulary_parts == "all"
        self._drafts = _Asked(lambda _: len(self._drafts))
        self._bulk = _Bulk(config.rule, self._drafts.__getitem__)

    def number(self, texts: Sequence[str]) -> list[Ids]:
        return self._bulk(texts)

    def finish(self, training: Iterable[Ids]) -> tuple[WordReader, Ids]:
        spelt = list(self._drafts)
        counts = np.zeros(len(spelt), dtype=np.int64)
        places = np.arange(1, dtype=np.int32)
        last = np.zeros(len(spelt), dtype=np.int32)
        for ids in training:
            if len(ids) > len(places):
                places = np.arange(2 * len(ids), dtype=np.int32)
            own, words = places[: len(ids)], ids.astype(np.intp)
            last[words] = own
            counts[words[last[words] == own]] += 1  # each word where it stands last: once a note, and without sorting
        least = self.config.min_documents
        often = {spelt[i]: int(counts[i]) for i in np.flatnonzero(counts >= least)}  # most words are rare
        vocabulary = Vocabulary.of_counts(often, min_documents=least)
        return WordReader(vocabulary, self.config.rule), vocabulary.encode(spelt)


def learner(config: Config) -> WordLearner:
    return WordLearner(config)


def load(folder: Path, config: Config) -> WordReader:
    """Raises ArtefactError where the vocabulary is missing or damaged."""
    return WordReader(Vocabulary.load(folder / FILES[0]), config.rule)


class _Bulk:
    """Many texts by one rule: words that are met again are looked up, `number(word)` is asked once for each word."""

    def __init__(self, rule: str, number: Callable[[str], int]) -> None:
        self._rule = rule
        self._number = number
        self._table = WordTable(self._raw_numbers)
        self._numbers = _Asked(self._raw_number)

    def __call__(self, texts: Sequence[str]) -> list[Ids]:
        if self._rule not in AS_CAML:
            spell, numbers = spelt(self._rule), _Asked(self._number)
            return [_looked_up(spell(text), numbers) for text in texts]
        ascii_texts = [text for text in texts if text.isascii()]
        found = (ids for part in _parts(ascii_texts) for ids in self._in_table(part))
        return [next(found) if text.isascii() else self._one_by_one(text) for text in texts]

    def _in_table(self, texts: Sequence[str]) -> list[Ids]:
        whole = cut_by_zeros("\n".join(["", *texts, "\n" * LONGEST]))
        words = cut(whole)
        ids = self._table.look_up(words.first, words.second)
        for word in words.overlong:
            start = words.starts[word]
            ids[word] = self._numbers[whole[start : whole.index(b"\0", start)].decode("ascii")]
        kept = ids != LEFT_OUT
        kept_before = np.concatenate([[0], np.cumsum(kept)])
        starts_of_texts = np.cumsum([1 + len(text) for text in texts[:-1]]) + 1
        return np.split(ids[kept], kept_before[np.searchsorted(words.starts, starts_of_texts)])

    def _one_by_one(self, text: str) -> Ids:
        ids = _looked_up(raw_words(text), self._numbers)
        return ids[ids != LEFT_OUT]

    def _raw_numbers(self, raws: Sequence[str]) -> list[int]:
        """Of ASCII words in small letters."""
        number = self._number
        return [LEFT_OUT if raw.isnumeric() else number(raw) for raw in raws]

    def _raw_number(self, raw: str) -> int:
        word = kept_word(raw)
        return LEFT_OUT if word is None else self._number(word)


def _parts(texts: Iterable[str]) -> Iterator[list[str]]:
    """Runs of texts of about CHARACTERS."""
    part: list[str] = []
    size = 0
    for text in texts:
        part.append(text)
        size += len(text)
        if size >= CHARACTERS:
            yield part
            part, size = [], 0
    if part:
        yield part


class _Asked(dict[str, int]):
    """Word → number, asked of `number` when a word is first met."""

    def __init__(self, number: Callable[[str], int]) -> None:
        super().__init__()
        self._number = number

    def __missing__(self, word: str) -> int:
        found = self[word] = self._number(word)
        return found


def _looked_up(words: Sequence[str], numbers: dict[str, int]) -> Ids:
    return np.fromiter(map(numbers.__getitem__, words), dtype=np.int32, count=len(words))
