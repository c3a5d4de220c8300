"""The patients: which conditions are common, acute, of one sex or of a kind of admission (`patients.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from icdcoder.core.code import Code

Nature = Literal["chronic", "acute", "status", "procedure"]
Sex = Literal["F", "M"]

# Body systems by the first letter of ICD-10-CM, and by the first three digits of ICD-9-CM.
_BY_LETTER = {
    **dict.fromkeys("AB", "infection"),
    **dict.fromkeys("CD", "neoplasm"),
    **dict.fromkeys("HG", "nervous"),
    **dict.fromkeys("ST", "injury"),
    **dict.fromkeys("VWXY", "injury"),
    "E": "metabolic",
    "F": "mental",
    "I": "circulatory",
    "J": "respiratory",
    "K": "digestive",
    "L": "skin",
    "M": "musculoskeletal",
    "N": "renal",
    "R": "symptom",
    "Z": "status",
    "U": "infection",
}
_BY_NUMBER = (
    (139, "infection"),
    (239, "neoplasm"),
    (279, "metabolic"),
    (289, "blood"),
    (319, "mental"),
    (389, "nervous"),
    (459, "circulatory"),
    (519, "respiratory"),
    (579, "digestive"),
    (629, "renal"),
    (679, "status"),
    (709, "skin"),
    (739, "musculoskeletal"),
    (779, "status"),
    (799, "symptom"),
    (999, "injury"),
)
# Procedures by the prefix of their code; the first that fits.
_PROCEDURES = (
    (("38.9", "96.", "93.9", "31.1", "99.15", "02H", "0BH", "5A19", "5A09", "3E0", "03H", "0B1"), "intensive"),
    (("39.95", "55", "56", "57", "58", "59", "5A1D", "0T"), "renal"),
    (("35", "36", "37", "38", "39", "88.5", "88.7", "02", "03", "04", "05", "06", "B2", "4A0", "5A1"), "circulatory"),
    (("30", "31", "32", "33", "34", "0B", "BW2"), "respiratory"),
    (("99.0", "41", "302", "07"), "blood"),
    (("42", "43", "44", "45", "46", "47", "48", "49", "5", "0D", "0F", "0W"), "digestive"),
    (("01", "02", "03", "04", "00", "009"), "nervous"),
    (("77", "78", "79", "80", "81", "82", "83", "84", "0Q", "0S", "0P", "0R"), "musculoskeletal"),
)


@dataclass(frozen=True, slots=True)
class AdmissionType:
    """A latent kind of admission. themes: body system → logarithm of how much more common it is; pull: prefixes."""

    name: str
    share: float
    themes: dict[str, float]
    pull: tuple[str, ...]
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Patients:
    """The tables of `patients.toml`; codes stand there as prefixes of their values."""

    common: tuple[str, ...]
    acute: tuple[str, ...]
    chronic: tuple[str, ...]
    female: tuple[str, ...]
    male: tuple[str, ...]
    left_out: tuple[str, ...]
    familial: tuple[str, ...]
    exclusive: tuple[tuple[str, ...], ...]
    types: tuple[AdmissionType, ...]


@cache
def tables() -> Patients:
    read = tomllib.loads((files("icdcoder.corpora._synthetic") / "patients.toml").read_text(encoding="utf-8"))
    types = tuple(
        AdmissionType(t["name"], t["share"], t["themes"], tuple(t["pull"]), tuple(t["services"]))
        for t in read.pop("types")
    )
    exclusive = tuple(map(tuple, read.pop("exclusive")))
    return Patients(types=types, exclusive=exclusive, **{key: tuple(prefixes) for key, prefixes in read.items()})


def has_prefix(codes: Iterable[Code], prefixes: Sequence[str]) -> bool:
    return any(code.value.startswith(tuple(prefixes)) for code in codes)


def theme(codes: Sequence[Code]) -> str:
    """The body system of equivalent codes; "intensive" for what is done in intensive care only."""
    code = min(codes, key=lambda c: c.system != "icd9pcs")  # a procedure's ICD-9 code tells most
    if code.system.endswith("pcs"):
        return next((name for prefixes, name in _PROCEDURES if code.value.startswith(prefixes)), "other")
    if code.value[0].isdigit() and code.system == "icd9cm":
        return next(name for last, name in _BY_NUMBER if int(code.value[:3]) <= last)
    if code.system == "icd9cm":
        return "status" if code.value[0] == "V" else "injury"
    if code.value.startswith(("D5", "D6", "D7", "D8")):
        return "blood"
    return _BY_LETTER.get(code.value[0], "other")


def nature(codes: Sequence[Code]) -> Nature:
    """How a note speaks of it: a disease that lasts or comes suddenly, a state of affairs, or something done."""
    known = tables()
    if all(code.system.endswith("pcs") for code in codes):
        return "procedure"
    diagnoses = [code for code in codes if not code.system.endswith("pcs")]
    if all(code.value[0] in "VZ" for code in diagnoses):
        return "status"
    if has_prefix(diagnoses, known.chronic):
        return "chronic"
    return "acute" if has_prefix(diagnoses, known.acute) else "chronic"


def sex(codes: Sequence[Code]) -> Sex | None:
    """The sex that alone has the condition."""
    known = tables()
    diagnoses = [code for code in codes if not code.system.endswith("pcs")]
    if has_prefix(diagnoses, known.male):
        return "M"
    return "F" if has_prefix(diagnoses, known.female) else None


def categories(codes: Sequence[Code]) -> frozenset[str]:
    """Labels that share one do not stand together in a note, and none is denied where another is true."""
    own = {code.value[:4] if code.system.endswith("pcs") else code.value[:3] for code in codes}
    exclusive = enumerate(tables().exclusive)
    return frozenset(own | {f"exclusive {number}" for number, prefixes in exclusive if has_prefix(codes, prefixes)})
