"""Words by the rule of a published system (`text/rules.py`), numbered by a vocabulary fitted on the training notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field

from icdcoder.core.config import Settings
from icdcoder.text.reader import Encoded, Ids
from icdcoder.text.rules import named
from icdcoder.text.vocabulary import Vocabulary
from icdcoder.text.word_numbers import WordBulk, WordNumbers

FILES = ("vocabulary.txt",)


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
        return WordBulk(self.rule, self.vocabulary.number)(texts)

    def save(self, folder: Path) -> None:
        self.vocabulary.save(folder / FILES[0])


class WordLearner:
    """Fits the vocabulary on words that were numbered in draft (`text/word_numbers.py`)."""

    divisible = True

    def __init__(self, config: Config) -> None:
        self.config = config
        self.least = config.min_documents
        self.reads_all = config.vocabulary_parts == "all"
        self.numbers = partial(WordNumbers, config.rule)

    def reader(self, documents: Mapping[str, int]) -> WordReader:
        return WordReader(Vocabulary.of_counts(documents, min_documents=self.least), self.config.rule)

    def final(self, reader: WordReader, names: Sequence[str]) -> Ids:
        return reader.vocabulary.encode(names)


def learner(config: Config) -> WordLearner:
    return WordLearner(config)


def load(folder: Path, config: Config) -> WordReader:
    """Raises ArtefactError where the vocabulary is missing or damaged."""
    return WordReader(Vocabulary.load(folder / FILES[0]), config.rule)
