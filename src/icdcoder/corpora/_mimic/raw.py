"""The raw files of MIMIC as PhysioNet ships them: finding a table, and reading it some rows at a time."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from icdcoder.core.errors import InputError, did_you_mean

if TYPE_CHECKING:
    import polars as pl

FOLDERS = ("", "hosp", "icu", "note")
ENDINGS = (".csv.gz", ".csv")
# The end of a plain file in which its last row's last line is looked for.
TAIL = 1 << 20
BOM = b"\xef\xbb\xbf"
SOURCES = {
    "iii": "MIMIC-III 1.4 (https://physionet.org/content/mimiciii/1.4/)",
    "iv": "MIMIC-IV (https://physionet.org/content/mimiciv/)",
    "note": "MIMIC-IV-Note (https://physionet.org/content/mimic-iv-note/)",
}
TABLES_OF_III = ("noteevents",)
TABLES_OF_NOTE = ("discharge", "discharge_detail", "radiology", "radiology_detail")


def find(root: Path, table: str) -> Path:
    """The file of a table ("noteevents"): .csv.gz or .csv, in capitals or not, in `root` or its hosp/, icu/, note/.

    Raises InputError where it is not there, with the address where it is to be had.
    """
    if not root.is_dir():
        raise InputError(f"There is no folder {root}; corpus.root names the folder of MIMIC's tables.")
    for ending in ENDINGS:
        for folder in FOLDERS:
            for path in _entries(root / folder):
                if path.name.lower() == table + ending:
                    return path
    raise InputError(
        f"The table {table} is not in {root} (looked for {table}.csv.gz and {table}.csv, also in capitals and in "
        f"{', '.join(f'{folder}/' for folder in FOLDERS if folder)}). It is part of {_source(root, table)}; "
        "the demo versions come without notes."
    )


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _source(root: Path, table: str) -> str:
    """Where a table is to be had; of both releases, where the folder does not tell which it is meant to be."""
    if table in TABLES_OF_NOTE:
        return SOURCES["note"]
    if table in TABLES_OF_III or _looks_like_iii(root):
        return SOURCES["iii"]
    if any((root / folder).is_dir() for folder in FOLDERS if folder):
        return SOURCES["iv"]
    return f"{SOURCES['iii']} and of {SOURCES['iv']}"


def _looks_like_iii(root: Path) -> bool:
    return any(path.name.isupper() or path.name.partition(".")[0].isupper() for path in _entries(root))


def batches(path: Path, needed: Sequence[str], *, only: bool = False) -> Iterator[pl.DataFrame]:
    """The rows of a table as text, in the order of the file; null where nothing stands between two commas.

    needed: columns, in small letters as all are. only: no others, in the order of `needed`. Raises InputError where a
    column is missing, or the file is cut short or damaged: what was read is then not all.
    """
    import polars as pl

    names = _column_names(path)
    for column in needed:
        if column not in names:
            raise InputError(
                f"{path} has no column {column!r}.{did_you_mean(column, names)} It has: {', '.join(names)}."
            )
    table = pl.scan_csv(path, infer_schema=False, encoding="utf8-lossy", with_column_names=lambda _: names)
    try:
        yield from (table.select(needed) if only else table).collect_batches()
    except pl.exceptions.PolarsError:  # which cites what it cannot read: text of a note
        raise InputError(
            f"{path} is not CSV as PhysioNet ships it: a row does not fit the header, or the file is not complete."
        ) from None
    except OSError as error:
        if "end of file" in str(error):
            raise _cut_short(path) from None
        if "gzip" in str(error) or "deflate" in str(error):
            raise _damaged(path) from None
        raise InputError(f"{path} cannot be read: {error}.") from None
    if _ends_within_a_row(path, len(names)):
        raise InputError(f"{path} ends in the middle of a row: the file is not complete. Download it again.")


def _column_names(path: Path) -> list[str]:
    """In small letters."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            header = file.readline().removeprefix(BOM)
    except EOFError:
        raise _cut_short(path) from None
    except (gzip.BadGzipFile, zlib.error):
        raise _damaged(path) from None
    if not header.strip():
        raise InputError(f"{path} is cut short: it is empty. Download it again.")
    return [name.strip().strip('"').lower() for name in header.decode("utf-8", "replace").split(",")]


def _cut_short(path: Path) -> InputError:
    return InputError(f"{path} is cut short: its gzip stream does not end. Download it again.")


def _damaged(path: Path) -> InputError:
    return InputError(f"{path} is damaged: it is not gzip throughout. Download it again.")


def _ends_within_a_row(path: Path, columns: int) -> bool:
    """Whether the last line of a plain file lacks values; gzip tells of itself whether it is whole."""
    if path.suffix == ".gz":
        return False
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        line = file.read().rpartition(b"\n")[2]
    outside = line.split(b'"')[::2]
    # Where an odd number of quotes stands in it, the row has begun in a line before, and ends with this quote.
    return bool(line.strip()) and line.count(b'"') % 2 == 0 and sum(o.count(b",") for o in outside) < columns - 1
