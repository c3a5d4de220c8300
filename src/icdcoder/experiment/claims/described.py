"""Claims as data: which arms are compared, on which corpora, and what a user must give."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

from pydantic import Field

from icdcoder.core.config import Settings, build
from icdcoder.core.errors import ConfigError, did_you_mean


class Arm(Settings):
    """One system of a comparison. checkpoint: whether it starts from the language model that the user gives.

    text, decide: what it changes of these tables. tokens, context, chunk: text.max_tokens, model.context and
    model.chunk, as multiples of the context with which that model was trained. whole_width: the reduction is
    `residual-N` with N the width of its states.
    """

    name: str
    model: dict[str, Any]
    words: dict[str, Any] = {}
    text: dict[str, Any] = {}
    decide: dict[str, Any] = {}
    checkpoint: bool = False
    tokens: float | None = Field(None, gt=0)
    context: float | None = Field(None, gt=0)
    chunk: float | None = Field(None, gt=0, le=1)
    whole_width: bool = False


class Claim(Settings):
    """on: what this claim changes of a corpus's protocol; where it names corpora, it is tried on these only.
    late_after: measure codes told behind so many tokens; without it, behind the context of the language model in claims
    that stretch it."""

    name: str
    question: str
    arms: tuple[Arm, ...] = Field(min_length=2)
    on: dict[str, dict[str, dict[str, Any]]] = {}
    late_after: int | None = Field(None, gt=0)


class Claims(Settings):
    """corpora: what is changed, for all claims, of the protocol of each stand-in corpus."""

    title: str
    source: str
    notes: tuple[str, ...] = ()
    corpora: dict[str, dict[str, dict[str, Any]]]
    claims: tuple[Claim, ...] = Field(min_length=1)


def names() -> list[str]:
    found = (file.name.removesuffix(".toml") for file in _folder().iterdir() if file.name.endswith(".toml"))
    return sorted(found)


def load(name: str) -> Claims:
    """Raises ConfigError for an unknown name."""
    if name not in names():
        raise ConfigError(f"There are no claims {name!r}.{did_you_mean(name, names())} Known: {', '.join(names())}.")
    return build(Claims, tomllib.loads((_folder() / f"{name}.toml").read_text(encoding="utf-8")), name)


def _folder() -> Any:
    return files("icdcoder.experiment.claims") / "tables"
