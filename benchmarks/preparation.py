"""Preparing MIMIC from its raw tables, ours beside the reference way and beside the floor, on made-up tables.

    python -m benchmarks preparation [--version 3|4] [--gigabytes 1] [--quick] [--folder FOLDER]

ours: `icdcoder prepare`, raw tables → texts, tokens, vocabulary, label space, splits, with hashes of every file.
reference: the same steps as the literature's scripts do them, written here: pandas, NLTK's RegexpTokenizer row by row,
dictionaries; CSV out. floor: one pass over the bytes of the note table, decompression included.
Each runs in a process of its own, one after the other; the words and the numbers of tokens of both are compared.
Processes that a way begins count as its own: their time, and the most memory that all held at one time (what they have
in common is counted for each).
Needs: pip install pandas nltk
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fake_mimic import write

MIN_DOCUMENTS = 3
PARTS = ("train", "dev", "test")


@dataclass(frozen=True)
class Tables:
    """Where a version of MIMIC has what. category: of the notes that are read; "": all are discharge summaries."""

    notes: str
    diagnoses: str
    procedures: str
    category: str
    corpus: dict[str, str]
    splits: str


VERSIONS = {
    3: Tables(
        notes="NOTEEVENTS.csv.gz",
        diagnoses="DIAGNOSES_ICD.csv.gz",
        procedures="PROCEDURES_ICD.csv.gz",
        category="Discharge summary",
        corpus={"kind": "mimic3"},
        splits="splits",
    ),
    4: Tables(
        notes="note/discharge.csv.gz",
        diagnoses="hosp/diagnoses_icd.csv.gz",
        procedures="hosp/procedures_icd.csv.gz",
        category="",
        corpus={"kind": "mimic4", "variant": "icd10", "split": "mimic-iv-icd"},
        splits="splits/mimic4_icd10",
    ),
}


def ours(raw: Path, out: Path, version: int) -> dict[str, Any]:
    from icdcoder.experiment.config import Experiment
    from icdcoder.experiment.prepare import prepare

    tables = VERSIONS[version]
    prepared = prepare(
        Experiment.resolve(
            {
                "name": "ours",
                "runs": str(out),
                "corpus": {**tables.corpus, "root": str(raw), "lists": str(raw / tables.splits)},
                "model": {"kind": "caml"},
                "labels": {"drop_unlabelled": False},
                "text": {"max_tokens": 10**6, "min_documents": MIN_DOCUMENTS},
            }
        )
    )
    return {"documents": len(prepared.tokens), "tokens": len(prepared.tokens.flat), "words": prepared.reader.size - 2}


def reference(raw: Path, out: Path, version: int) -> dict[str, Any]:
    """One admission a row, as the scripts of CAML arrange it: codes, notes, join, splits, vocabulary, numbers."""
    import pandas as pd
    from nltk.tokenize import RegexpTokenizer

    tables = VERSIONS[version]
    labels = _reference_labels(raw, tables)
    tokenizer = RegexpTokenizer(r"\w+")
    rows = []
    columns = ["subject_id", "hadm_id", "category", "text"]
    reading = {"usecols": lambda name: name.lower() in columns, "dtype": str, "chunksize": 50_000}
    for chunk in pd.read_csv(raw / tables.notes, **reading):
        chunk.columns = chunk.columns.str.lower()
        if tables.category:
            chunk = chunk[chunk["category"] == tables.category]
        for row in chunk.itertuples(index=False):
            tokens = [token.lower() for token in tokenizer.tokenize(row.text) if not token.isnumeric()]
            rows.append((row.subject_id, row.hadm_id, " ".join(tokens)))
    notes = pd.DataFrame(rows, columns=["SUBJECT_ID", "HADM_ID", "TEXT"])
    del rows
    notes = notes.groupby(["SUBJECT_ID", "HADM_ID"], sort=True)["TEXT"].apply(" ".join).reset_index()
    notes["LABELS"] = notes["HADM_ID"].map(labels)
    notes = notes[notes["LABELS"].notna()]
    part_of = {
        name: part for part in PARTS for name in (raw / tables.splits / f"{part}_full_hadm_ids.csv").read_text().split()
    }
    notes["PART"] = notes["HADM_ID"].map(part_of)
    held: Counter[str] = Counter()
    for text in notes.loc[notes["PART"] == "train", "TEXT"]:
        held.update(set(text.split()))
    words = sorted(word for word, count in held.items() if count >= MIN_DOCUMENTS)
    numbers = {word: i for i, word in enumerate(words, start=2)}
    total = 0
    for part in PARTS:
        frame = notes[notes["PART"] == part].copy()
        frame["TOKENS"] = [[numbers.get(word, 1) for word in text.split()] for text in frame["TEXT"]]
        total += sum(map(len, frame["TOKENS"]))
        frame["TOKENS"] = [" ".join(map(str, ids)) for ids in frame["TOKENS"]]
        frame.to_csv(out / f"{part}.csv", index=False)
    (out / "vocabulary.csv").write_text("\n".join(words))
    return {"documents": len(notes), "tokens": total, "words": len(words)}


def _reference_labels(raw: Path, tables: Tables) -> dict[str, str]:
    import pandas as pd

    frames = []
    for table, diagnosis in ((tables.diagnoses, True), (tables.procedures, False)):
        frame = pd.read_csv(raw / table, dtype=str)
        frame.columns = frame.columns.str.lower()
        old = "icd9_code" in frame
        if not old:
            frame = frame[frame["icd_version"] == "10"].rename(columns={"icd_code": "icd9_code"})
        frame = frame[["hadm_id", "icd9_code"]].dropna()
        if diagnosis and not old:  # the tables hold a few codes of ICD-9 among those of ICD-10
            frame = frame[frame["icd9_code"].str.match("[A-Z]")]
        dot = _dotted_9 if old else _dotted_10
        frame["code"] = frame["icd9_code"].apply(lambda code, dot=dot, diagnosis=diagnosis: dot(code, diagnosis))
        frames.append(frame)
    return pd.concat(frames).groupby("hadm_id")["code"].apply(";".join).to_dict()


def _dotted_9(code: str, diagnosis: bool) -> str:
    before = 2 if not diagnosis else 4 if code.startswith("E") else 3
    return f"{code[:before]}.{code[before:]}" if len(code) > before else code


def _dotted_10(code: str, diagnosis: bool) -> str:
    return f"{code[:3]}.{code[3:]}" if diagnosis and len(code) > 3 else code


def floor(raw: Path, out: Path, version: int) -> dict[str, Any]:
    lines = 0
    stream = zlib.decompressobj(wbits=31)
    with (raw / VERSIONS[version].notes).open("rb") as file:
        while piece := file.read(1 << 20):
            lines += stream.decompress(piece).count(b"\n")
    return {"lines": lines}


WAYS: dict[str, Callable[[Path, Path, int], dict[str, Any]]] = {"ours": ours, "reference": reference, "floor": floor}


def one(way: str, raw: Path, version: int) -> None:
    """Runs one way and prints what it took as JSON; imports are not measured for any."""
    if way == "reference":
        import nltk.tokenize  # noqa: F401
        import pandas  # noqa: F401
    elif way == "ours":
        import polars  # noqa: F401

        import icdcoder.experiment.prepare
        import icdcoder.models.caml  # noqa: F401 (torch, which the configuration of a model is made of)
    with tempfile.TemporaryDirectory(dir=raw) as out, Peak() as peak:
        wall, processor = time.perf_counter(), _processor()
        found = WAYS[way](raw, Path(out), version)
        found |= {"wall": time.perf_counter() - wall, "processor": _processor() - processor}
    print(json.dumps(found | {"megabytes": peak.megabytes}))


def _processor() -> float:
    """Seconds of this process and of those it began that have ended."""
    times = os.times()
    return sum(times[:4])


class Peak:
    """The most memory that this process and those it began have held together, looked at a hundred times a second."""

    def __init__(self) -> None:
        self.megabytes = float("nan")
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Peak:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watch.join()
        alone = _kilobytes("self", "VmHWM")  # misses nothing between two looks
        self.megabytes = max(self.megabytes, alone / 1e3) if alone else self.megabytes

    def _look(self) -> None:
        while Path("/proc/self/status").exists() and not self._ended.wait(0.01):
            now = sum(_kilobytes(name, "VmRSS") for name in ("self", *_children())) / 1e3
            self.megabytes = now if self.megabytes != self.megabytes else max(self.megabytes, now)


def _children() -> list[str]:
    """Names in /proc of the processes that this one began."""
    found = []
    for listed in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # a thread that has just ended
            found += listed.read_text().split()
    return found


def _kilobytes(process: str, entry: str) -> int:
    """0 where the process is gone."""
    with contextlib.suppress(OSError):
        found = re.search(rf"{entry}:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
        return int(found[1]) if found else 0
    return 0


def compare(raw: Path, version: int, turns: int) -> None:
    print(f"{'':10}{'seconds':>9}{'of the processor':>18}{'peak memory':>14}")
    shown: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for turn in range(turns):
        for way in WAYS:
            command = [sys.executable, __file__, "--way", way, "--folder", str(raw), "--version", str(version)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            shown[way].append(found)
            print(
                f"{way:10}{found['wall']:9.1f}{found['processor']:18.1f}{found['megabytes']:11.0f} MB  turn {turn + 1}",
                flush=True,
            )
    for other in ("reference", "floor"):
        ratios = [
            [b[key] / a[key] for a, b in zip(shown["ours"], shown[other], strict=True)] for key in ("wall", "processor")
        ]
        wall, processor = (sorted(r)[len(r) // 2] for r in ratios)
        print(f"ours against the {other}: {wall:.2f} × in seconds, {processor:.2f} × in seconds of the processor")
    same = all(shown["ours"][0][key] == shown["reference"][0][key] for key in ("documents", "tokens", "words"))
    a, b = shown["ours"][0], shown["reference"][0]
    verdict = (
        "the same" if same else f"NOT the same: {b['documents']:,}, {b['tokens']:,}, {b['words']:,} by the reference"
    )
    print(f"{a['documents']:,} documents, {a['tokens']:,} tokens, {a['words']:,} words: {verdict}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--version", type=int, choices=VERSIONS, default=3, help="of MIMIC")
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--quick", action="store_true", help="0.1 GB")
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="tables made by benchmarks.fake_mimic before")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.way:
        one(asked.way, asked.folder, asked.version)
        return 0
    missing = [name for name in ("pandas", "nltk") if importlib.util.find_spec(name) is None]
    if missing:
        print(f"The reference way needs {' and '.join(missing)}: pip install {' '.join(missing)}", file=sys.stderr)
        return 1
    if asked.folder:
        compare(asked.folder, asked.version, asked.turns)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        size = 0.1 if asked.quick else asked.gigabytes
        began = time.perf_counter()
        made = write(Path(folder), gigabytes=size, version=asked.version)
        took = time.perf_counter() - began
        print(f"{size} GB, {made.note_rows:,} notes, {made.summaries:,} summaries, made in {took:.0f} s", flush=True)
        compare(Path(folder), asked.version, asked.turns)
    return 0


if __name__ == "__main__":
    sys.exit(main())
