"""Reading the discharge summaries out of the note table of MIMIC-III: our reader beside polars, DuckDB and pyarrow.

    python -m benchmarks note_table [--gigabytes 1] [--turns 1] [--folder FOLDER] [--quick]

Each gives admission and text of the wanted rows of NOTEEVENTS.csv.gz, as far as its streaming goes without holding the
table; the texts of all are compared. Each runs in a process of its own, one after the other. A reader that is not
installed is left out. Needs: pip install ".[bench]"
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from fake_mimic import write

WANTED = "Discharge summary"
BLOCK = 1 << 24


def ours(path: Path) -> Iterable[tuple[str, str]]:
    from icdcoder.corpora._mimic.tables import notes

    with notes(path.parent, "noteevents", where={"category": [WANTED]}) as found:
        names = {name.lower(): name for name in found.frame.columns}
        for i, admission in enumerate(found.frame[names["hadm_id"]]):
            yield admission, found.text(i)


def polars(path: Path) -> Iterable[tuple[str, str]]:
    import polars as pl

    table = pl.scan_csv(path, infer_schema=False).filter(pl.col("CATEGORY") == WANTED).select("HADM_ID", "TEXT")
    return table.collect(engine="streaming").iter_rows()


def duckdb(path: Path) -> Iterable[tuple[str, str]]:
    import duckdb as db

    query = (
        f"select HADM_ID, TEXT from read_csv('{path}', header = true, all_varchar = true, quote = '\"', escape = '\"', "
    )
    found = db.connect().execute(query + f"max_line_size = 100000000) where CATEGORY = '{WANTED}'")
    while rows := found.fetchmany(1_000):
        yield from rows


def pyarrow(path: Path) -> Iterable[tuple[str, str]]:
    import pyarrow as pa
    from pyarrow import compute, csv

    with path.open("rb") as file:
        names = csv.open_csv(pa.CompressedInputStream(file, "gzip"), parse_options=_quoted(csv)).schema.names
    with path.open("rb") as file:
        blocks = csv.open_csv(
            pa.CompressedInputStream(file, "gzip"),
            read_options=csv.ReadOptions(block_size=BLOCK),
            parse_options=_quoted(csv),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), include_columns=["HADM_ID", "CATEGORY", "TEXT"]
            ),
        )
        for block in blocks:
            kept = block.filter(compute.equal(block["CATEGORY"], WANTED))
            yield from zip(kept["HADM_ID"].to_pylist(), kept["TEXT"].to_pylist(), strict=True)


def _quoted(csv: object) -> object:
    return csv.ParseOptions(newlines_in_values=True)  # type: ignore[attr-defined]


READERS: dict[str, Callable[[Path], Iterable[tuple[str, str]]]] = {
    "icdcoder": ours,
    "polars": polars,
    "duckdb": duckdb,
    "pyarrow": pyarrow,
}


def one(name: str, path: Path) -> None:
    """Reads with one reader and prints what it took as JSON; its import is not measured."""
    importlib.import_module("polars" if name == "icdcoder" else name)
    wall, processor = time.perf_counter(), time.process_time()
    count, digest = 0, 0
    for admission, text in READERS[name](path):
        count += 1  # in whatever order
        digest ^= int.from_bytes(hashlib.blake2b(f"{admission} {text}".encode(), digest_size=8).digest())
    took = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}
    status = Path("/proc/self/status")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    print(json.dumps({"rows": count, "texts": digest, **took, "megabytes": int(peak[1]) / 1e3 if peak else None}))


def compare(path: Path, turns: int) -> None:
    known = [name for name in READERS if name == "icdcoder" or importlib.util.find_spec(name)]
    for name in READERS.keys() - known:
        print(f"{name} is not installed: left out.")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in known}
    for _ in range(turns):
        for name in known:
            command = [sys.executable, __file__, "--reader", name, "--folder", str(path.parent)]
            run = subprocess.run(command, check=False, capture_output=True, text=True)
            if run.returncode:
                print(f"{name} failed: {(run.stderr.strip().splitlines() or ['killed'])[-1][:200]}")
                break
            found[name].append(json.loads(run.stdout))
    print(f"{'':10}{'seconds':>9}{'of the processor':>18}{'peak memory':>14}  rows")
    same = {(one["rows"], one["texts"]) for runs in found.values() for one in runs}
    for name, runs in found.items():
        if runs:
            wall, processor = (statistics.median(one[key] for one in runs) for key in ("wall", "processor"))
            peak = max(one["megabytes"] or 0 for one in runs)
            print(f"{name:10}{wall:9.1f}{processor:18.1f}{peak:11.0f} MB  {runs[0]['rows']:,}")
    print("All give the same texts." if len(same) == 1 else "They do NOT give the same texts.")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--quick", action="store_true", help="0.1 GB")
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="tables that are there already")
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        one(options.reader, options.folder / "NOTEEVENTS.csv.gz")
        return
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        if options.folder is None:
            write(folder, gigabytes=0.1 if options.quick else options.gigabytes)
        compare(folder / "NOTEEVENTS.csv.gz", options.turns)


if __name__ == "__main__":
    main()
