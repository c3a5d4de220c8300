"""The raw files of MIMIC as PhysioNet ships them: finding a table, and reading its bytes in blocks of whole rows."""

from __future__ import annotations

import gzip
import importlib
import queue
import threading
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import IO

import numpy as np
import numpy.typing as npt

from icdcoder.core.errors import InputError

FOLDERS = ("", "hosp", "icu", "note")
ENDINGS = (".csv.gz", ".csv")
BLOCK = 1 << 24
# Room before a block for the part of a row that the block before it ended with.
MARGIN = 1 << 20
# Two blocks wait, one is being made, one is looked at.
BUFFERS = 4
LONGEST_ROW = 1 << 28
QUOTE, LINE_END = b'"\n'
# How much is decompressed at once: what a processor's cache holds, since the library copies it once more.
PIECE = 1 << 20
# How much is looked through at once for the same reason: numpy goes through it several times.
LOOK = 1 << 20
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
    source = "note" if table in TABLES_OF_NOTE else "iii" if table in TABLES_OF_III or _looks_like_iii(root) else "iv"
    raise InputError(
        f"The table {table} is not in {root} (looked for {table}.csv.gz and {table}.csv, also in capitals and in "
        f"{', '.join(f'{folder}/' for folder in FOLDERS if folder)}). It is part of {SOURCES[source]}; "
        "the demo versions come without notes."
    )


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _looks_like_iii(root: Path) -> bool:
    return any(path.name.isupper() or path.name.partition(".")[0].isupper() for path in _entries(root))


@dataclass(frozen=True)
class Rows:
    """Whole rows: row i is `data[starts[i] : ends[i]]`. They are there until the next are asked for, as the memory is
    then used again: fresh memory for each block would cost as much as decompressing into it."""

    data: bytearray
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ends)

    def row(self, i: int) -> bytes:
        with memoryview(self.data) as data, data[self.starts[i] : self.ends[i]] as row:
            return bytes(row)


def row_blocks(path: Path) -> Iterator[Rows]:
    """The file in blocks of whole rows. The header is the first row of the first block.

    A line end within quotes ends no row; a doubled quote changes nothing, as it counts twice. Raises InputError where
    the file ends within a row's quotes, in a row that has fewer values than the header, or within its gzip stream: what
    was read is then not all.
    """
    rest = header = b""
    with closing(_ahead(path)) as blocks:
        for data, end in blocks:
            start = MARGIN - len(rest)
            data[max(0, start) : MARGIN] = rest  # before the block; where it is longer than the margin, all moves up
            start, end = max(0, start), end + max(0, -start)
            ends = _row_ends(data, start, end)
            if len(ends):
                rest = bytes(data[ends[-1] : end])
                header = header or bytes(data[start : ends[0]])
                yield Rows(data, np.concatenate([[start], ends[:-1]]), ends)
            else:
                rest = bytes(data[start:end])
            if len(rest) > LONGEST_ROW:
                raise InputError(f"{path} is damaged: a quote is opened and not closed within {LONGEST_ROW:,} bytes.")
    if rest.strip():
        if rest.count(b'"') % 2 or _commas(rest) < _commas(header):
            raise InputError(f"{path} ends in the middle of a row: the file is not complete. Download it again.")
        yield Rows(bytearray(rest + b"\n"), np.array([0]), np.array([len(rest) + 1]))


def _commas(row: bytes) -> int:
    """Those between values."""
    return sum(outside.count(b",") for outside in row.split(b'"')[::2])


def _row_ends(data: bytearray, start: int, end: int) -> npt.NDArray[np.int64]:
    """Where rows end in bytes that begin with a row: after each line end that an even number of quotes precedes."""
    found = []
    before = np.uint8(0)
    for at in range(start, end, LOOK):
        part = np.frombuffer(data, dtype=np.uint8, count=min(LOOK, end - at), offset=at)
        places = np.flatnonzero((part == LINE_END) | (part == QUOTE))
        quotes = part.take(places) == QUOTE
        odd = np.cumsum(quotes, dtype=np.uint8)  # it may go round: 256 is even
        odd += before
        before = odd[-1] if len(odd) else before
        found.append(places[~quotes & (odd & 1 == 0)] + (at + 1))
    return np.concatenate([np.zeros(0, dtype=np.int64), *found])


def _ahead(path: Path) -> Generator[tuple[bytearray, int]]:
    """Blocks of the decompressed file: a buffer in which they begin at MARGIN, and where they end. They are made by a
    thread that is two blocks ahead, in buffers that go round."""
    blocks: queue.Queue[tuple[bytearray, int] | BaseException | None] = queue.Queue()
    free: queue.Queue[bytearray | None] = queue.Queue()
    for _ in range(BUFFERS):
        free.put(bytearray(MARGIN + BLOCK))

    def work() -> None:
        try:
            with _opened(path) as file:
                while (buffer := free.get()) is not None:
                    end = _filled(file, buffer, path)
                    if end > MARGIN:
                        blocks.put((buffer, end))
                    if end < MARGIN + BLOCK:
                        break
            blocks.put(None)
        except BaseException as error:
            blocks.put(error)

    thread = threading.Thread(target=work, name=f"reading {path.name}", daemon=True)
    thread.start()
    try:
        while (item := blocks.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
            free.put(item[0])
    finally:
        free.put(None)  # the thread may be waiting for a buffer
        thread.join()


def _opened(path: Path) -> IO[bytes]:
    """Raises InputError where a gzipped file is empty, which its library would take for no data."""
    if path.suffix != ".gz":
        return path.open("rb")
    if not path.stat().st_size:
        raise InputError(f"{path} is cut short: it is empty. Download it again.")
    return _gzip().open(path, "rb")


def _filled(file: IO[bytes], buffer: bytearray, path: Path) -> int:
    """Where the bytes end that were read into the buffer from MARGIN on: a whole block but at the end of the file.

    Raises InputError where a gzip stream is cut short or damaged.
    """
    at, end = MARGIN, MARGIN + BLOCK
    try:
        with memoryview(buffer) as view:
            while at < end:
                with view[at : min(end, at + PIECE)] as room:
                    count: int = file.readinto(room)  # type: ignore[attr-defined]
                if not count:
                    break
                at += count
    except EOFError:
        raise InputError(f"{path} is cut short: its gzip stream does not end. Download it again.") from None
    except _damages():
        raise InputError(f"{path} is damaged: it is not gzip throughout. Download it again.") from None
    return at


def _gzip() -> ModuleType:
    """ISA-L where it is installed (package isal), which decompresses 2.5 times as quickly; else Python's own gzip."""
    try:
        return importlib.import_module("isal.igzip")
    except ImportError:
        return gzip


def _damages() -> tuple[type[Exception], ...]:
    """What the libraries raise for bytes that are no gzip stream."""
    try:
        return gzip.BadGzipFile, zlib.error, importlib.import_module("isal.isal_zlib").error
    except ImportError:
        return gzip.BadGzipFile, zlib.error
