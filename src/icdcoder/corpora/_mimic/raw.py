"""The raw files of MIMIC as PhysioNet ships them: finding a table, and reading its bytes in blocks of whole rows."""

from __future__ import annotations

import importlib
import queue
import threading
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

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
# How much of a gzipped file is decompressed at once. It yields about four times as much; after each piece the thread
# waits for the interpreter, so that small ones keep it waiting.
PIECE = 1 << 19
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


def described(path: Path) -> str:
    """For a card: "NOTEEVENTS.csv.gz, 1,180,216,192 bytes"."""
    return f"{path.name}, {path.stat().st_size:,} bytes"


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
    the file ends within a row's quotes, or within its gzip stream: what was read is then not all.
    """
    rest = b""
    with closing(_ahead(path)) as blocks:
        for data, end in blocks:
            start = MARGIN - len(rest)
            data[max(0, start) : MARGIN] = rest  # before the block; where it is longer than the margin, all moves up
            start, end = max(0, start), end + max(0, -start)
            ends = _row_ends(data, start, end)
            if len(ends):
                rest = bytes(data[ends[-1] : end])
                yield Rows(data, np.concatenate([[start], ends[:-1]]), ends)
            else:
                rest = bytes(data[start:end])
            if len(rest) > LONGEST_ROW:
                raise InputError(f"{path} is damaged: a quote is opened and not closed within {LONGEST_ROW:,} bytes.")
    if rest.strip():
        if rest.count(b'"') % 2:
            raise InputError(f"{path} ends in the middle of a row: the file is not complete. Download it again.")
        yield Rows(bytearray(rest + b"\n"), np.array([0]), np.array([len(rest) + 1]))


def _row_ends(data: bytearray, start: int, end: int) -> npt.NDArray[np.int64]:
    """Where rows end in bytes that begin with a row: after each line end that an even number of quotes precedes."""
    found = np.frombuffer(data, dtype=np.uint8, count=end - start, offset=start)
    lines = np.flatnonzero(found == ord("\n"))
    quotes = np.flatnonzero(found == ord('"'))
    # There are fewer quotes than lines. Between the second and the third of them, the fourth and the fifth, … and
    # before the first stand the lines that end a row.
    before = np.searchsorted(lines, quotes)
    first = np.concatenate([[0], before[1::2]])
    last = np.concatenate([before[::2], [len(lines)]])[: len(first)]
    counts = last - first
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return lines[np.repeat(first, counts) + within] + 1 + start


def _ahead(path: Path) -> Generator[tuple[bytearray, int]]:
    """Blocks of the decompressed file: a buffer in which they begin at MARGIN, and where they end. They are made by a
    thread that is two blocks ahead, in buffers that go round."""
    blocks: queue.Queue[tuple[bytearray, int] | BaseException | None] = queue.Queue()
    free: queue.Queue[bytearray | None] = queue.Queue()
    for _ in range(BUFFERS):
        free.put(bytearray(MARGIN + BLOCK))

    def work() -> None:
        try:
            with closing(_inflated(path) if path.suffix == ".gz" else _plain(path)) as pieces:
                buffer, at = free.get(), MARGIN
                for piece in pieces:
                    if buffer is None:
                        return
                    buffer[at : at + len(piece)] = piece  # grows where the last piece is longer than the room
                    at += len(piece)
                    if at >= MARGIN + BLOCK:
                        blocks.put((buffer, at))
                        buffer, at = free.get(), MARGIN
                if buffer is not None and at > MARGIN:
                    blocks.put((buffer, at))
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


def _plain(path: Path) -> Generator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(4 * PIECE):
            yield piece


def _inflated(path: Path) -> Generator[bytes]:
    """Raises InputError where the stream is cut short or damaged."""
    library = _zlib()
    stream = library.decompressobj(wbits=31)
    with path.open("rb") as file:
        try:
            while piece := file.read(PIECE):
                while piece:
                    if stream.eof:  # files may be several gzip streams, one after the other
                        piece = piece.lstrip(b"\0")
                        if not piece:
                            break
                        stream = library.decompressobj(wbits=31)
                    yield stream.decompress(piece)
                    piece = stream.unused_data
        except (zlib.error, library.error):
            raise InputError(f"{path} is damaged: it is not gzip throughout. Download it again.") from None
    if not stream.eof:
        raise InputError(f"{path} is cut short: its gzip stream does not end. Download it again.")


def _zlib() -> ModuleType:
    """ISA-L where it is installed (package isal), which decompresses 2.5 times as quickly; else Python's own zlib."""
    try:
        return importlib.import_module("isal.isal_zlib")
    except ImportError:
        return zlib
