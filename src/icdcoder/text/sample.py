"""Which tokens of a note are read when it is longer than the budget. What is left out is said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icdcoder.core.prediction import Span
from icdcoder.text.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Sampled:
    """kept: indices of the tokens to read, rising. left_unread: the parts of the text that are not read, and why."""

    kept: npt.NDArray[np.int64]
    left_unread: tuple[Span, ...]


def head(tokens: Tokens, budget: int) -> Sampled:
    """The first `budget` tokens, as most published systems cut."""
    if len(tokens) <= budget:
        return Sampled(np.arange(len(tokens)), ())
    start, end = int(tokens.offsets[budget, 0]), int(tokens.offsets[-1, 1])
    return Sampled(np.arange(budget), (Span(start, end, f"past the budget of {budget} tokens"),))
