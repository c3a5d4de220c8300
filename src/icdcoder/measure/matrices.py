"""What is checked of "note code" matrices before anything is measured on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.core.errors import InputError

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.floating[Any]]
Counted = npt.NDArray[np.int64]


def as_flags(matrix: npt.ArrayLike, what: str) -> Flags:
    """A matrix of True and False (0 and 1 are taken as such) with a note and a code at least. Raises InputError."""
    array = np.asarray(matrix)
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"The {what} matrix must be note × code, none of them 0; its shape is {array.shape}.")
    if array.dtype != np.bool_:
        flags = array.astype(np.bool_)
        if not np.array_equal(flags, array):
            raise InputError(f"The {what} matrix must hold True and False only.")
        return flags
    return array


def as_scores(matrix: npt.ArrayLike, gold: Flags) -> Numbers:
    """Scores of the shape of `gold`; any floating type is kept as it is. Raises InputError, also for a NaN."""
    array = np.asarray(matrix)
    if not np.issubdtype(array.dtype, np.floating):
        array = array.astype(np.float64)
    same_shape(gold, array, "score")
    # The maximum is NaN where any score is.
    if np.isnan(array.max()):
        raise InputError(f"{int(np.isnan(array).sum()):,} of {array.size:,} scores are NaN; did the training diverge?")
    return array


def same_shape(gold: npt.NDArray[Any], other: npt.NDArray[Any], what: str) -> None:
    if gold.shape != other.shape:
        raise InputError(f"The gold matrix is note × code {gold.shape}, the {what} matrix {other.shape}.")
