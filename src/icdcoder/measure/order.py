"""How many scores lie below, above or beside a given one: what ranks and areas under curves are made of.

Only the places of gold codes are ever asked for, and they are few (about 16 of 8,922 a note in MIMIC-III), so
nothing here sorts a whole matrix.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from icdcoder.measure.matrices import Counted, Numbers

BUCKET_BITS = 18
CHUNK = 1 << 18


def above_and_equal(line: Numbers, values: Numbers) -> tuple[Counted, Counted]:
    """For each of `values` (one at least), how many entries of `line` are greater and how many are equal.

    Gold codes mostly stand near the top, so only what is not below the lowest of them is sorted.
    """
    top = np.sort(line[line >= values.min()])
    at_most = np.searchsorted(top, values, "right")
    return len(top) - at_most, at_most - np.searchsorted(top, values, "left")


def below_and_equal(everything: Numbers, values: Numbers) -> tuple[Counted, Counted]:
    """For each of the ascending `values`, how many entries of `everything` are smaller and how many are equal.

    Exact for every float. Entries fall into buckets in their order; those that share no bucket with a value are
    counted, and only the others are sorted.
    """
    flat = everything.reshape(-1)
    low, high = _keys(np.array([flat.min(), flat.max()]))
    shift = max(0, int(high - low).bit_length() - BUCKET_BITS)
    buckets = (int(high - low) >> shift) + 1
    asked = np.clip((_keys(values) - low) >> shift, 0, buckets - 1)
    shared = np.zeros(buckets, dtype=np.bool_)
    shared[asked] = True
    counts = np.zeros(buckets, dtype=np.int64)
    beside = []
    for start in range(0, flat.size, CHUNK):
        part = flat[start : start + CHUNK]
        bucket = (_keys(part) - low) >> shift
        counts += np.bincount(bucket, minlength=buckets)
        beside.append(part[shared[bucket]])
    counts[shared] = 0
    counted = np.cumsum(counts)[asked]
    ordered = np.sort(np.concatenate(beside))
    left = np.searchsorted(ordered, values, "left")
    right = np.searchsorted(ordered, values, "right")
    return counted + left, right - left


def _keys(values: Numbers) -> npt.NDArray[np.int64]:
    """Integers in the order of the values: the bits of an IEEE float, turned round below zero, sort as it does.

    A double is rounded to single precision first, which keeps the order (equal keys are told apart by the caller).
    Adding zero turns -0.0 into 0.0.
    """
    with np.errstate(over="ignore"):
        bits = (values.astype(np.float32) + np.float32(0)).view(np.int32)
    return (bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))).astype(np.int64)
