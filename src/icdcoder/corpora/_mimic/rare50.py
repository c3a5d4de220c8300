"""MIMIC-III-rare50 (Yang et al., Findings of EMNLP 2022, KEPT): 50 rare codes, 249/20/142 admissions.

How they were chosen is not published; the ids and each one's codes stand as literals in `collectrare50data.py` of
https://github.com/whaleloops/KEPT, which a user with access to MIMIC brings along (codes of admissions are MIMIC's data
and are not part of icdcoder). The file is parsed and never executed. `few_shot` makes the same kind of set by rule.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from icdcoder.core.artefact import sha256
from icdcoder.core.code import Code
from icdcoder.core.document import Split
from icdcoder.core.errors import InputError
from icdcoder.corpora._mimic.splits import Lists

# Codes of the list that exist only because the reference preprocessing read procedures as numbers.
ARTEFACTS = {
    "40.7": "04.07 (excision or avulsion of cranial and peripheral nerves), which lost its leading zero",
    "52.0": "00.52 (implantation of a transvenous lead), which lost its leading zeros and became a float",
    "77.7": "77.70 (excision of bone for graft, unspecified site), which lost its trailing zero",
}
PARTS: dict[str, Split] = {"train": "train", "dev": "validation", "test": "test"}
_ID = re.compile(r"[0-9]+_[0-9]+")
_CODE = re.compile(r"[VE]?[0-9]{1,3}(?:\.[0-9]{0,2})?")


@dataclass(frozen=True)
class Rare50:
    """lists: admission → part. codes: admission → its rare codes, each once, spelled as the list has them (`caml`).
    patient_of: admission → patient."""

    lists: Lists
    codes: dict[str, tuple[Code, ...]]
    patient_of: dict[str, str]

    @property
    def space(self) -> tuple[Code, ...]:
        return tuple(sorted({code for codes in self.codes.values() for code in codes}))


def rare50(path: Path) -> Rare50:
    """Reads the literals {train,dev,test}_{ids,labels} of KEPT's file: ids are "patient_admission", labels "code;code".

    path: the file, or the folder that holds it. Raises InputError where it is not that file. Where an id stands twice
    in a part, its first labels count, as for the authors.
    """
    if path.is_dir():
        path = path / "collectrare50data.py"
    literals = _literals(path)
    split_of: dict[str, Split] = {}
    codes: dict[str, tuple[Code, ...]] = {}
    patient_of: dict[str, str] = {}
    for part, split in PARTS.items():
        ids, labels = literals.get(f"{part}_ids", []), literals.get(f"{part}_labels", [])
        if not ids or len(ids) != len(labels) or not all(map(_ID.fullmatch, ids)):
            raise InputError(f"{path} does not hold lists {part}_ids and {part}_labels of one length.")
        for name, text in zip(ids, labels, strict=True):
            patient, _, admission = name.partition("_")
            if split_of.setdefault(admission, split) != split:
                raise InputError(f"{path}: admission {admission} is in {split_of[admission]} and in {split}.")
            patient_of[admission] = patient
            codes.setdefault(admission, tuple(dict.fromkeys(_typed(value, path) for value in text.split(";"))))
    return Rare50(Lists("KEPT rare50", split_of, {path.name: sha256(path)}), codes, patient_of)


def _literals(path: Path) -> dict[str, list[str]]:
    """Lists of text that are assigned to a name at the top of the file. Nothing is executed."""
    try:
        tree = ast.parse(path.read_bytes())
    except OSError:
        raise InputError(f"There is no {path}: it is part of https://github.com/whaleloops/KEPT.") from None
    except (SyntaxError, ValueError):
        raise InputError(f"{path} is no Python file that can be parsed.") from None
    found: dict[str, list[str]] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List) and isinstance(node.targets[0], ast.Name):
            values = [item.value for item in node.value.elts if isinstance(item, ast.Constant)]
            if len(values) == len(node.value.elts) and all(isinstance(value, str) for value in values):
                found[node.targets[0].id] = [str(value) for value in values]
    return found


def _typed(value: str, path: Path) -> Code:
    """The dot tells the system: it stands after two digits in procedures, also in damaged ones."""
    if not _CODE.fullmatch(value):
        raise InputError(f"{path}: a label is no ICD-9 code.")
    return Code("icd9pcs" if value.find(".") in (1, 2) else "icd9cm", value)


def few_shot(
    codes: Mapping[str, Sequence[Code]], split_of: Mapping[str, Split], *, fewer_than: int = 10
) -> tuple[Code, ...]:
    """Codes with at least one and fewer than `fewer_than` training notes, sorted: rare by a rule, not by a list."""
    counts = Counter(code for name, own in codes.items() if split_of.get(name) == "train" for code in set(own))
    return tuple(sorted(code for code, count in counts.items() if count < fewer_than))
