"""The raw files of MIMIC as PhysioNet ships them: finding a table, and reading its bytes in blocks of whole rows."""

from __future__ import annotations

import importlib
import queue
import threading
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from pathlib import Path
from types import ModuleType

import numpy as np

from icdcoder.core.errors import InputError

FOLDERS = ("", "hosp", "icu", "note")
ENDINGS = (".csv.gz", ".csv")
BLOCK = 1 << 24
# How much of a gzipped file is decompressed at once; it yields about four times as much.
PIECE = 1 << 20
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


def row_blocks(path: Path) -> Iterator[tuple[bytes, np.ndarray]]:
    """The file in blocks of whole rows: (bytes, where each row ends). The header is the first row of the first block.

    A line end within quotes ends no row; a doubled quote changes nothing, as it counts twice. Raises InputError where
    the file ends within a row's quotes, or within its gzip stream: what was read is then not all.
    """
    rest = b""
    with closing(_ahead(path)) as pieces:
        for piece in pieces:
            data = rest + piece
            ends = _row_ends(data)
            if not len(ends):
                rest = data
                continue
            yield data[: ends[-1]], ends
            rest = data[ends[-1] :]
    if rest.strip():
        if rest.count(b'"') % 2:
            raise InputError(f"{path} ends in the middle of a row: the file is not complete. Download it again.")
        yield rest + b"\n", np.array([len(rest) + 1])


def _row_ends(data: bytes) -> np.ndarray:
    """Where rows end in bytes that begin with a row: after each line end that an even number of quotes precedes."""
    found = np.frombuffer(data, dtype=np.uint8)
    lines = np.flatnonzero(found == ord("\n"))
    quotes = np.flatnonzero(found == ord('"'))
    return lines[np.searchsorted(quotes, lines) % 2 == 0] + 1


def _ahead(path: Path) -> Generator[bytes]:
    """Blocks of the decompressed file, made by a thread that is up to two blocks ahead."""
    blocks: queue.Queue[bytes | BaseException | None] = queue.Queue(maxsize=2)
    stopped = threading.Event()

    def put(item: bytes | BaseException | None) -> None:
        waiting = True
        while waiting and not stopped.is_set():
            with suppress(queue.Full):
                blocks.put(item, timeout=0.2)
                waiting = False

    def work() -> None:
        try:
            for block in _inflated(path) if path.suffix == ".gz" else _plain(path):
                put(block)
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=work, name=f"reading {path.name}", daemon=True)
    thread.start()
    try:
        while (item := blocks.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()


def _plain(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block


def _inflated(path: Path) -> Iterator[bytes]:
    """Blocks of about BLOCK bytes. Raises InputError where the stream is cut short or damaged."""
    library = _zlib()
    stream = library.decompressobj(wbits=31)
    made: list[bytes] = []
    size = 0
    with path.open("rb") as file:
        try:
            while piece := file.read(PIECE):
                while piece:
                    if stream.eof:  # files may be several gzip streams, one after the other
                        piece = piece.lstrip(b"\0")
                        stream = library.decompressobj(wbits=31) if piece else stream
                        if not piece:
                            break
                    made.append(stream.decompress(piece))
                    size += len(made[-1])
                    piece = stream.unused_data
                if size >= BLOCK:
                    yield b"".join(made)
                    made, size = [], 0
        except (zlib.error, library.error):
            raise InputError(f"{path} is damaged: it is not gzip throughout. Download it again.") from None
    if not stream.eof:
        raise InputError(f"{path} is cut short: its gzip stream does not end. Download it again.")
    if size:
        yield b"".join(made)


def _zlib() -> ModuleType:
    """ISA-L where it is installed (package isal), which decompresses 2.5 times as quickly; else Python's own zlib."""
    try:
        return importlib.import_module("isal.isal_zlib")
    except ImportError:
        return zlib
