"""Published statistics of sampling as data; one TOML file a table."""

from __future__ import annotations

from typing import Any

from icdcoder.core.config import Settings, build
from icdcoder.experiment import packaged

PACKAGE = "icdcoder.experiment.sampling"


class Weights(Settings):
    """Means of N and p (equations 10 and 11) of one kind of section, as they are printed."""

    number: str
    ratio: str


class Corpus(Settings):
    """What is changed of the protocol of a stand-in corpus."""

    corpus: dict[str, Any] = {}
    text: dict[str, Any] = {}


class SamplingTable(Settings):
    """sections: by kind. others: of all other kinds. lost, lost_of_longest: shares of tokens, of all notes and of the
    longest, that a model does not read. set, text: the data set and the table [text] with which they were measured."""

    title: str
    source: str
    notes: tuple[str, ...] = ()
    set: str
    text: dict[str, Any]
    lost: float
    lost_of_longest: float
    sections: dict[str, Weights]
    others: Weights
    corpora: dict[str, Corpus]


def names() -> list[str]:
    return packaged.names(PACKAGE)


def load(name: str) -> SamplingTable:
    """Raises ConfigError (did you mean …) for an unknown name."""
    return build(SamplingTable, packaged.read(PACKAGE, packaged.known(name, names(), "table")), name)
