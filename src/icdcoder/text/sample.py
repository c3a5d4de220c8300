"""Which tokens of a note are read when it is longer than the budget. What is left out is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    """A way to choose; each is one function here. It keeps min(budget, number of tokens) tokens."""

    def __call__(self, tokens: Located, budget: int, sections: Sequence[Section] = ()) -> Sampled: ...


def head(tokens: Located, budget: int, sections: Sequence[Section] = ()) -> Sampled:
    """The first `budget` tokens, as most published systems cut. The sections do not matter."""
    kept = np.arange(min(budget, len(tokens)), dtype=np.int64)
    return Sampled(kept, unread(tokens, kept, f"past the budget of {budget} tokens"))


def unread(tokens: Located, kept: npt.NDArray[np.int64], reason: str) -> tuple[Span, ...]:
    """One span for each run of tokens that are not kept, from the start of its first to the end of its last token."""
    if len(kept) == len(tokens):
        return ()
    left = np.ones(len(tokens), dtype=np.bool_)
    left[kept] = False
    edges = np.flatnonzero(np.diff(left, prepend=False, append=False)).reshape(-1, 2)
    return tuple(Span(int(tokens.offsets[a, 0]), int(tokens.offsets[b - 1, 1]), reason) for a, b in edges)
