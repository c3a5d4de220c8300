"""How text becomes numbers for a network: the contract of readers, and finding the one that the settings name.

A reader is a component of `text/readers`: a module with `Config`, `learner(config)` and `load(folder, config)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from icdcoder.core import components
from icdcoder.core.config import Settings, build
from icdcoder.core.errors import ConfigError, did_you_mean

FOLDER = "text.readers"
Ids = npt.NDArray[np.int32]


class TextConfig(Settings):
    """The part of the table [text] that every reader shares; the other keys of the table are the reader's own.

    tokens: the reader, a member of `text/readers`. max_tokens: how many tokens of a note the model reads.
    sampler: which ones, where a note has more: its head, or where the wording of the label space's codes stands, by
    sections and the paragraphs in them ("knowledge") or by sections alone; see `text/knowledge_sample.py`. "oracle":
    where that of the note's own gold codes stands, to measure an upper bound, of which no coder can be made.
    sampler_knowledge: a file of expressions by which it looks beside our own (docs/knowledge.md).
    """

    tokens: str = "words"
    max_tokens: int = Field(default=2500, ge=1)
    sampler: Literal["head", "knowledge", "knowledge_sections", "oracle"] = "head"
    sampler_knowledge: Path | None = None

    @model_validator(mode="after")
    def _sampled_by_knowledge(self) -> Self:
        if self.sampler_knowledge and self.sampler == "head":
            raise ValueError("sampler_knowledge is of no use to sampler = 'head'; 'knowledge' looks by it.")
        return self


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as numbers. ids: "token". offsets: "token 2", [start, end) into the text that was read."""

    ids: Ids = field(repr=False)
    offsets: npt.NDArray[np.int32] = field(repr=False)

    def __len__(self) -> int:
        return len(self.ids)


@runtime_checkable
class Reader(Protocol):
    """Reads text as a trained model does. `read(text).ids`, `encode(text)` and `encode_all([text])[0]` are the same.

    files: the names that `save` writes into a folder; the module's `load(folder, config)` reads them back.
    """

    @property
    def size(self) -> int:
        """One more than the largest id, so the rows of an embedding."""
        ...

    @property
    def files(self) -> tuple[str, ...]: ...

    def read(self, text: str) -> Encoded: ...

    def encode(self, text: str) -> Ids:
        """The ids alone, of a text that needs no offsets, such as the description of a code."""
        ...

    def encode_all(self, texts: Sequence[str]) -> list[Ids]:
        """Many texts, quicker than one by one."""
        ...

    def save(self, folder: Path) -> None: ...


class Numbers(Protocol):
    """Draft numbers, 0, 1, 2 …, of the tokens of texts that go by."""

    def number(self, texts: Sequence[str]) -> list[Ids]:
        """Draft ids of each text, whole."""
        ...

    def names(self) -> str:
        """A line for each draft id, the token that it stands for: what is the same for others who number other texts.
        The tokens of two ids may be the same."""
        ...


@runtime_checkable
class Learner(Protocol):
    """Makes a reader from a corpus that is seen once: texts get draft numbers, which are made final at the end.

    least: in how many of the notes that it learns from a token needs to be. reads_all: whether the settings ask that it
    learns from validation and test notes too, as some authors' code does.
    numbers: makes draft numbers in which no text has been seen. divisible: whether it is quicker where several
    processes each number a share of the texts; `numbers` can be pickled then.
    """

    @property
    def least(self) -> int: ...

    @property
    def reads_all(self) -> bool: ...

    @property
    def divisible(self) -> bool: ...

    @property
    def numbers(self) -> Callable[[], Numbers]: ...

    def reader(self, documents: Mapping[str, int]) -> Reader:
        """documents: in how many *training* notes each token stands, which is all that the reader may learn from; with
        `reads_all`, in how many of all. Tokens of fewer than `least` may be missing."""
        ...

    def final(self, reader: Any, names: Sequence[str]) -> Ids | None:
        """The reader's id of each token; None where draft ids are final (nothing was learnt)."""
        ...


def resolve(table: Mapping[str, Any]) -> tuple[TextConfig, Settings]:
    """The table [text] of a configuration, or of a card, as the shared and the reader's own settings.

    Raises ConfigError for an unknown reader, an unknown key, or a wrong value.
    """
    module = _module(table.get("tokens", TextConfig().tokens))
    shared, own = TextConfig.model_fields, module.Config.model_fields
    for key in table:
        if key not in shared and key not in own:
            known = sorted({*shared, *own})
            raise ConfigError(f"Unknown key 'text.{key}'.{did_you_mean(key, known)} Known: {', '.join(known)}.")
    return (
        build(TextConfig, {key: value for key, value in table.items() if key in shared}, "text"),
        build(module.Config, {key: value for key, value in table.items() if key in own}, "text"),
    )


def learner(text: TextConfig, own: Settings) -> Learner:
    """What `prepare` makes the reader with."""
    return _module(text.tokens).learner(own)


def load(folder: Path, text: TextConfig, own: Settings) -> Reader:
    """The reader whose files lie in a prepared or a coder folder. Raises ArtefactError where they are damaged."""
    return _module(text.tokens).load(folder, own)


def _module(kind: object) -> ModuleType:
    if not isinstance(kind, str):
        raise ConfigError(f"'text.tokens' is {kind!r}: it names one of {', '.join(components.names(FOLDER))}.")
    return components.load(FOLDER, kind)
