"""Which tokens of a note are read when it is longer than the budget. What is left out is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from icdcoder.core.prediction import Span
from icdcoder.text.sections import Section


@dataclass(frozen=True, slots=True)
class Sampled:
    """kept: indices of the tokens to read, rising. left_unread: the parts of the text that are not read, and why."""

    kept: npt.NDArray[np.int64]
    left_unread: tuple[Span, ...]


class Located(Protocol):
    """Tokens whose places in the text are known: words, or what any reader makes of a text."""

    @property
    def offsets(self) -> npt.NDArray[np.int32]: ...

    def __len__(self) -> int: ...


class Sampler(Protocol):
    """A way to choose. It keeps min(budget, number of tokens) tokens.

    files: the names that `save` writes into a folder, so that a coder chooses as in its training; `samplers.load`
    reads them back.
    """

    def __call__(self, tokens: Located, budget: int, text: str, sections: Sequence[Section] | None = None) -> Sampled:
        """tokens: of `text`, in reading order. sections: of `text`; None has a sampler find them if it needs them."""
        ...

    @property
    def files(self) -> tuple[str, ...]: ...

    def save(self, folder: Path) -> None: ...


@dataclass(frozen=True)
class Head:
    """The first `budget` tokens, as most published systems cut. Text and sections do not matter."""

    files: tuple[str, ...] = ()

    def __call__(
        self, tokens: Located, budget: int, text: str = "", sections: Sequence[Section] | None = None
    ) -> Sampled:
        kept = np.arange(min(budget, len(tokens)), dtype=np.int64)
        return Sampled(kept, unread(tokens, kept, f"past the budget of {budget} tokens"))

    def save(self, folder: Path) -> None:
        """There is nothing to keep."""


head = Head()


def together(*parts: Sequence[Span]) -> tuple[Span, ...]:
    """What is not read where several read a text, each leaving out spans of its own: by any of them. Spans that overlap
    are one, with the reason of the first."""
    found: list[Span] = []
    for span in sorted((span for part in parts for span in part), key=lambda span: (span.start, -span.end)):
        if found and span.start < found[-1].end:
            found[-1] = Span(found[-1].start, max(span.end, found[-1].end), found[-1].reason)
        else:
            found.append(span)
    return tuple(found)


def unread(tokens: Located, kept: npt.NDArray[np.int64], reason: str) -> tuple[Span, ...]:
    """One span for each run of tokens that are not kept, from the start of its first to the end of its last token."""
    if len(kept) == len(tokens):
        return ()
    left = np.ones(len(tokens) + 2, dtype=np.bool_)
    left[0] = left[-1] = False
    left[kept + 1] = False
    edges = np.flatnonzero(left[1:] != left[:-1])
    starts, ends = tokens.offsets[edges[::2], 0].tolist(), tokens.offsets[edges[1::2] - 1, 1].tolist()
    return tuple(Span(start, end, reason) for start, end in zip(starts, ends, strict=True))
