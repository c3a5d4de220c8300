"""Published statistics of sampling as data; one TOML file a table."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

from icdcoder.core.config import Settings, build
from icdcoder.core.errors import ConfigError, did_you_mean


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
    return sorted(file.name.removesuffix(".toml") for file in _folder().iterdir() if file.name.endswith(".toml"))


def load(name: str) -> SamplingTable:
    """Raises ConfigError (did you mean …) for an unknown name."""
    if name not in names():
        raise ConfigError(f"There is no table {name!r}.{did_you_mean(name, names())} Known: {', '.join(names())}.")
    return build(SamplingTable, tomllib.loads((_folder() / f"{name}.toml").read_text(encoding="utf-8")), name)


def _folder() -> Any:
    return files("icdcoder.experiment.sampling") / "tables"
