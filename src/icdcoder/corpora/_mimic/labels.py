"""The codes of MIMIC's admissions, by two named loaders whose results are never set side by side.

`correct`: codes are text, spelled with the dot of their system, each once an admission.

`caml`: the codes as the reference preprocessing (Mullenbach et al. 2018) left them. It read the tables with pandas and
named no types, so that procedures became numbers and lost their leading zeros (04.07 → 40.7, 00.66 → "66."), and read
its own filtered file the same way, which turned every block of rows that looked like numbers into floats (93.90 → 93.9
in one block, and 93.90 still in the next). Most tables in the literature rest on these 8,921 labels. pandas is not
needed to repeat it: what it does with a column is a rule over blocks of rows (`as_untyped_column`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.systems.table import spelling

if TYPE_CHECKING:
    import polars as pl

Loader = Literal["correct", "caml"]
LOADERS: tuple[Loader, ...] = ("correct", "caml")

# Rows that pandas reads before it decides on a type, for a table of five columns: the power of two below 2^20 / 5.
BLOCK = 131_072
MISSING = frozenset({"", "nan", "NaN", "NA", "N/A", "null", "NULL", "None"})
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
SPELLINGS = {
    "icd9cm": spelling.ICD9CM,
    "icd9pcs": spelling.ICD9PCS,
    "icd10cm": spelling.ICD10CM,
    "icd10pcs": spelling.ICD10PCS,
}


@dataclass(frozen=True)
class Labels:
    """codes: of each admission that has any, without duplicates, diagnoses before procedures, in the tables' order.

    counts: rows of each code, duplicates counted, as the reference counts for its most frequent 50. dropped: why rows
    were left out → how many.
    """

    loader: Loader
    codes: dict[str, tuple[Code, ...]]
    counts: Counter[Code]
    dropped: dict[str, int]

    def top(self, number: int) -> tuple[Code, ...]:
        """The most frequent codes, most frequent first; ties go to the smaller code."""
        return tuple(sorted(self.counts, key=lambda code: (-self.counts[code], code.system, code.value))[:number])

    def distinct(self) -> int:
        return len(self.counts)


def iii_labels(
    diagnoses: pl.DataFrame, procedures: pl.DataFrame, *, loader: Loader, noted: Collection[str] | None = None
) -> Labels:
    """Labels of MIMIC-III from DIAGNOSES_ICD and PROCEDURES_ICD: columns hadm_id and icd9_code, text, in file order.

    noted: admissions with a discharge summary; others are left out. `caml` needs it, since the blocks in which the
    reference lost its zeros are counted over the rows that are left. Raises InputError without.
    """
    frame = _both(_rows(diagnoses, "icd9cm", "icd9_code"), _rows(procedures, "icd9pcs", "icd9_code"))
    if loader == "correct":
        return _gathered("correct", frame, noted, _spelled)
    if noted is None:
        raise InputError("labels='caml' needs the admissions with a discharge summary: the damage depends on them.")
    return _gathered("caml", _damaged(frame, noted), noted, Code, rows_in_all=frame.height)


def iv_labels(
    diagnoses: pl.DataFrame,
    procedures: pl.DataFrame,
    *,
    version: Literal[9, 10],
    noted: Collection[str] | None = None,
) -> Labels:
    """Labels of MIMIC-IV: columns hadm_id, icd_code, icd_version, all text. Rows of the other version are no labels."""
    import polars as pl

    own = [table.filter(pl.col("icd_version") == str(version)) for table in (diagnoses, procedures)]
    frame = _both(_rows(own[0], f"icd{version}cm", "icd_code"), _rows(own[1], f"icd{version}pcs", "icd_code"))
    return _gathered("correct", frame, noted, _spelled)


def at_least(labels: Labels, admissions: int) -> Labels:
    """Without codes that fewer admissions *of all splits* have, and without admissions that have none left.

    It is how Edin et al. (2023) filter, and it looks at the test part: what is rare there is left out too.
    """
    holding = Counter(code for codes in labels.codes.values() for code in codes)
    rare = {code for code, count in holding.items() if count < admissions}
    kept = {name: tuple(c for c in codes if c not in rare) for name, codes in labels.codes.items()}
    kept = {name: codes for name, codes in kept.items() if codes}
    dropped = Counter(labels.dropped)
    dropped[f"codes of fewer than {admissions} admissions"] += len(rare)
    dropped["admissions without a code after that"] += len(labels.codes) - len(kept)
    counts = Counter({code: count for code, count in labels.counts.items() if code not in rare})
    return Labels(labels.loader, kept, counts, dict(dropped))


def restricted(labels: Labels, codes: Collection[Code]) -> dict[str, tuple[Code, ...]]:
    """The admissions that have one of `codes`, with those only."""
    chosen = frozenset(codes)
    kept = {name: tuple(code for code in own if code in chosen) for name, own in labels.codes.items()}
    return {name: own for name, own in kept.items() if own}


def _rows(table: pl.DataFrame, system: str, column: str) -> pl.DataFrame:
    import polars as pl

    # As categories, twelve bytes a row and not forty-eight: MIMIC-IV has six million rows.
    return table.select(pl.col("hadm_id"), pl.lit(system).alias("system"), pl.col(column).alias("code")).cast(
        pl.Categorical
    )


def _both(diagnoses: pl.DataFrame, procedures: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return pl.concat([diagnoses, procedures])


def _spelled(system: str, raw: str) -> Code | None:
    try:
        return Code(system, SPELLINGS[system].dotted(raw))
    except InputError:
        return None


def _gathered(
    loader: Loader,
    rows: pl.DataFrame,
    noted: Collection[str] | None,
    read: Callable[[str, str], Code | None],
    *,
    rows_in_all: int | None = None,
) -> Labels:
    """rows_in_all: of the tables, where `rows` are those of the admissions noted already."""
    import polars as pl

    rows = rows.cast(pl.Categorical)
    held = rows if noted is None else _of(rows, noted)
    missing = pl.Series(sorted(MISSING), dtype=pl.Categorical).implode()
    coded = held.filter(pl.col("code").is_not_null() & ~pl.col("code").is_in(missing))
    dropped = Counter(
        {
            "code rows of admissions without a discharge summary": (rows_in_all or rows.height) - held.height,
            "code rows without a code": held.height - coded.height,
        }
    )
    # As numbers: each row as a Python object would take a gigabyte, and as a key of a join hundreds of megabytes.
    known, numbers = _numbered(coded, read)
    good = coded.select("hadm_id").with_columns(number=numbers).drop_nulls()
    once = good[_first_of_each(good["hadm_id"], good["number"])]
    dropped["code rows whose code has not the form of its system"] = coded.height - good.height
    dropped["code rows that repeat a code of the admission"] = good.height - once.height
    counts = Counter({known[i]: count for i, count in good.group_by("number", maintain_order=True).len().iter_rows()})
    grouped = once.group_by("hadm_id", maintain_order=True).agg("number")
    codes = {name: tuple(map(known.__getitem__, own)) for name, own in grouped.iter_rows()}
    return Labels(loader, codes, counts, _said(dropped))


def _numbered(rows: pl.DataFrame, read: Callable[[str, str], Code | None]) -> tuple[list[Code], pl.Series]:
    """The codes as `read` reads them, and of each row which it is; null where it reads none."""
    import polars as pl

    places, kinds = np.unique(_pairs(rows["system"], rows["code"]), return_index=True, return_inverse=True)[1:]
    typed = [read(system, raw) for system, raw in rows.select("system", "code")[places].iter_rows()]
    number: dict[Code, int] = {}
    numbers = [None if code is None else number.setdefault(code, len(number)) for code in typed]
    return list(number), pl.Series(numbers, dtype=pl.Int32)[kinds]


def _first_of_each(first: pl.Series, second: pl.Series) -> npt.NDArray[np.int64]:
    """The rows whose pair no row before has, rising."""
    return np.sort(np.unique(_pairs(first, second), return_index=True)[1])


def _pairs(first: pl.Series, second: pl.Series) -> npt.NDArray[np.uint64]:
    """Two columns of categories or small numbers as one number a row."""
    high, low = (column.to_physical().to_numpy().astype(np.uint64) for column in (first, second))
    return high << np.uint64(32) | low


def _of(rows: pl.DataFrame, admissions: Collection[str]) -> pl.DataFrame:
    import polars as pl

    wanted = pl.DataFrame({"hadm_id": list(admissions)}, schema={"hadm_id": pl.Categorical})
    return rows.join(wanted, on="hadm_id", how="semi", maintain_order="left")


def _said(dropped: Mapping[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in dropped.items() if count}


def _damaged(rows: pl.DataFrame, noted: Collection[str]) -> pl.DataFrame:
    """The rows that the reference keeps, each code as text as it came out of its second reading."""
    import polars as pl

    parts = []
    for system in ("icd9cm", "icd9pcs"):
        own = rows.filter(pl.col("system") == system)
        read = as_untyped_column(own["code"].to_list())
        dotted = [None if code is None else reference_dot(code, system == "icd9cm") for code in read]
        parts.append(own.with_columns(pl.Series("code", dotted, dtype=pl.String)))
    kept = _of(pl.concat(parts), noted)
    return kept.with_columns(pl.Series("code", as_untyped_column(kept["code"].to_list()), dtype=pl.String))


def reference_dot(code: str, diagnosis: bool) -> str:
    """Where the reference puts the dot: before the fourth character (fifth of an E code), in procedures always before
    the third, also where nothing follows ("34" → "34.")."""
    bare = code.replace(".", "")
    if not diagnosis:
        return f"{bare[:2]}.{bare[2:]}"
    head = 4 if bare.startswith("E") else 3
    return f"{bare[:head]}.{bare[head:]}" if len(bare) > head else bare


def as_untyped_column(values: Sequence[str | None], block: int = BLOCK) -> list[str | None]:
    """What is left of a column of text after `pandas.read_csv` without a dtype, written as text again.

    Each block of rows gets a type of its own: integers lose leading zeros, floats trailing ones. Blocks of integers
    and of floats become floats together; a block with one value that is no number keeps its text, and then so do the
    others keep theirs.
    """
    blocks = [
        [None if v is None or v in MISSING else v for v in values[i : i + block]] for i in range(0, len(values), block)
    ]
    kinds = [_kind(part) for part in blocks]
    if "text" not in kinds and "float" in kinds:
        kinds = ["float"] * len(kinds)
    read = {"integer": lambda value: str(int(value)), "float": lambda value: repr(float(value)), "text": str}
    return [None if v is None else read[kind](v) for kind, part in zip(kinds, blocks, strict=True) for v in part]


def _kind(values: Sequence[str | None]) -> str:
    if all(v is not None and _INTEGER.fullmatch(v) for v in values):
        return "integer"
    return "float" if all(v is None or _NUMBER.fullmatch(v) for v in values) else "text"
