"""Claims as data: which arms are compared, on which corpora, and what a user must give."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from icdcoder.core.config import Settings, build
from icdcoder.experiment import packaged

PACKAGE = "icdcoder.experiment.claims"
Table = dict[str, Any]


class Arm(Settings):
    """One system of a comparison. checkpoint: whether it starts from the language model that the user gives.

    text, train, decide: what it changes of these tables. tokens, context, chunk: text.max_tokens, model.context and
    model.chunk, as multiples of the context with which that model was trained. whole_width: the reduction is
    `residual-N` with N the width of its states.
    """

    name: str
    model: Table
    words: Table = {}
    text: Table = {}
    train: Table = {}
    decide: Table = {}
    checkpoint: bool = False
    tokens: float | None = Field(None, gt=0)
    context: float | None = Field(None, gt=0)
    chunk: float | None = Field(None, gt=0, le=1)
    whole_width: bool = False


class Claim(Settings):
    """on: what this claim changes of a corpus's protocol; where it names corpora, it is tried on these only.
    late_after: measure codes told behind so many tokens; without it, behind the context of the language model in claims
    that stretch it. bands: measure by how many training notes a code has."""

    name: str
    question: str
    arms: tuple[Arm, ...] = Field(min_length=2)
    on: dict[str, dict[str, Table]] = {}
    late_after: int | None = Field(None, gt=0)
    bands: bool = False


class Corpus(Settings):
    """What is changed, for all claims, of the protocol of a stand-in corpus. like: its name; "": the corpus's own."""

    like: str = ""
    corpus: Table = {}
    labels: Table = {}
    text: Table = {}
    train: Table = {}


class Claims(Settings):
    title: str
    source: str
    notes: tuple[str, ...] = ()
    corpora: dict[str, Corpus]
    claims: tuple[Claim, ...] = Field(min_length=1)


def names() -> list[str]:
    return packaged.names(PACKAGE)


def load(name: str) -> Claims:
    """A claim's arms stand in it, or are names of the file's table [arms]. Raises ConfigError for an unknown name."""
    data = packaged.read(PACKAGE, packaged.known(name, names(), "table of claims"))
    shared = data.pop("arms", {})
    for claim in data["claims"]:
        claim["arms"] = [{"name": arm, **shared[arm]} if isinstance(arm, str) else arm for arm in claim["arms"]]
    return build(Claims, data, name)
