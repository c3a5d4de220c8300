"""Putting admissions, codes and parts together, as every data set of MIMIC needs it, and saying what was left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from icdcoder.core.code import Code
from icdcoder.core.document import Split
from icdcoder.core.errors import InputError

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Stay:
    """One admission: the places of its notes in the frame of notes, in reading order."""

    admission: str
    patient: str
    notes: tuple[int, ...]


def stays(frame: pl.DataFrame) -> list[Stay]:
    """The admissions of a frame of notes, each where its first note stands, its notes in the order of the file."""
    places: dict[str, list[int]] = defaultdict(list)
    patients: dict[str, str] = {}
    for place, (admission, patient) in enumerate(
        zip(frame["hadm_id"].to_list(), frame["subject_id"].to_list(), strict=True)
    ):
        if admission is not None:
            places[admission].append(place)
            if patients.setdefault(admission, patient) != patient:
                raise InputError(f"Admission {admission} is said to be of two patients; one of the tables is damaged.")
    return [Stay(admission, patients[admission], tuple(rows)) for admission, rows in places.items()]


def assign(
    found: Sequence[Stay],
    codes: Mapping[str, Sequence[Code]],
    split_of: Mapping[str, Split],
    dropped: Counter[str],
) -> list[Stay]:
    """The admissions that have notes, codes and a part. The others are counted in `dropped`, each under one reason."""
    kept = []
    for stay in found:
        if stay.admission not in codes:
            dropped["admissions with notes and without codes"] += 1
        elif stay.admission not in split_of:
            dropped["admissions that the lists of ids do not name"] += 1
        else:
            kept.append(stay)
    dropped["admissions of the lists of ids without notes"] += len(split_of.keys() - {stay.admission for stay in found})
    if not kept:
        raise InputError(
            "No admission has notes, codes and a part. Are the lists of ids those of this version of MIMIC "
            "(corpus.lists, corpus.split, corpus.variant)?"
        )
    return kept


def listed(files: Mapping[str, str]) -> str:
    """Lists of ids for the card: names with the beginnings of their hashes."""
    return "; ".join(f"{name} {digest[:12]}" for name, digest in files.items())
