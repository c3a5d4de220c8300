"""A split of our own: whole patients, so that none can be in two parts, stratified by their codes.

Iterative stratification (Sechidis et al., ECML-PKDD 2011) over patients: the rarest code that is left is dealt out
first, each of its patients to the part that still lacks most of that code. As published, a code of one patient always
goes to the largest part, and most ICD codes are rare: nearly every patient would be in the training part. Here, where
no part lacks a whole patient of the code, the part is drawn with the fractions that they lack as chances, and a part
that is full gets no more.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Mapping
from typing import TypeVar

from icdcoder.core.document import SPLITS, Split
from icdcoder.core.errors import InputError

Label = TypeVar("Label", bound=Hashable)


def by_patient(
    codes_of: Mapping[str, Collection[Label]], *, seed: int, validation: float = 0.1, test: float = 0.15
) -> dict[str, Split]:
    """patient → part; every patient stands in the result once. O(patients × codes log codes).

    codes_of: the codes of each patient over all admissions. The same patients, codes and seed give the same split,
    whatever their order. Raises InputError where the shares leave nothing for training.
    """
    if validation < 0 or test < 0 or validation + test >= 1:
        raise InputError(f"validation={validation} and test={test} leave no patients for training.")
    shares: dict[Split, float] = {"train": 1 - validation - test, "validation": validation, "test": test}
    patients = sorted(codes_of)
    draw = random.Random(seed)
    draw.shuffle(patients)
    holders: dict[Label, list[str]] = defaultdict(list)
    for patient in patients:
        for code in set(codes_of[patient]):
            holders[code].append(patient)
    wanted: dict[Split, float] = {split: share * len(patients) for split, share in shares.items()}
    lacking: dict[Label, dict[Split, float]] = {
        code: {split: share * len(own) for split, share in shares.items()} for code, own in holders.items()
    }
    left = Counter({code: len(own) for code, own in holders.items()})
    queue = [(count, str(code), code) for code, count in left.items()]
    heapq.heapify(queue)
    split_of: dict[str, Split] = {}
    while queue:
        count, name, code = heapq.heappop(queue)
        if count != left[code]:
            # It has become rarer since it was queued: those of its patients are dealt out already.
            if left[code]:
                heapq.heappush(queue, (left[code], name, code))
            continue
        for patient in holders[code]:
            if patient not in split_of:
                split = _neediest(lacking[code], wanted, draw)
                _deal(patient, split, codes_of[patient], split_of, lacking, wanted, left)
    for patient in patients:
        if patient not in split_of:
            split = max(SPLITS, key=lambda s: wanted[s])
            _deal(patient, split, (), split_of, lacking, wanted, left)
    return split_of


def _neediest(lacking: Mapping[Split, float], wanted: Mapping[Split, float], draw: random.Random) -> Split:
    open_parts: list[Split] = [split for split in SPLITS if wanted[split] > 0] or list(SPLITS)
    first = max(open_parts, key=lambda split: (lacking[split], wanted[split]))
    if lacking[first] >= 1:
        return first
    chances = [max(0.0, lacking[split]) for split in open_parts]
    if not any(chances):
        chances = [max(1e-9, wanted[split]) for split in open_parts]
    return draw.choices(open_parts, chances)[0]


def _deal(
    patient: str,
    split: Split,
    codes: Collection[Label],
    split_of: dict[str, Split],
    lacking: Mapping[Label, dict[Split, float]],
    wanted: dict[Split, float],
    left: Counter[Label],
) -> None:
    split_of[patient] = split
    wanted[split] -= 1
    for code in set(codes):
        lacking[code][split] -= 1
        left[code] -= 1
