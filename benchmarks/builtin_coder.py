"""The built-in coder: time to start, notes a second on one core, memory, time to compile its dictionary.

    python -m benchmarks builtin_coder [--quick]

Notes are those of the synthetic corpus (400 words); of the folder $ICDCODER_DATA, notes/mtsamples.jsonl and the English
dev part of CodiEsp (codiesp/dev) are read where they are there.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from icdcoder import systems
from icdcoder.coder import Coder
from icdcoder.core.note import Note
from icdcoder.corpora import codiesp, synthetic
from icdcoder.knowledge import index_terms, sources
from icdcoder.predictors.dictionary.compiled import Dictionary
from icdcoder.predictors.dictionary.sides import sided
from icdcoder.predictors.dictionary.terms import terms

REPEATS = 5
DATA = Path(os.environ.get("ICDCODER_DATA", Path(__file__).parents[2] / "shared" / "data"))


def start_seconds() -> float:
    """A warm start of the whole command, the note included; median of five."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "icdcoder.cli", "code", "-"], input=b"Cough.", capture_output=True, check=True
        )
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def notes_a_second(coder: Coder, notes: list[Note]) -> list[float]:
    """One rate a repeat, the slowest first, in processor seconds, so that what else runs counts less. What shares the
    core's caches and its clock still counts: of a shared machine the best repeat says most."""
    rates = []
    for _ in range(REPEATS):
        began = time.process_time()
        for _ in coder.code_all(notes):
            pass
        rates.append(len(notes) / (time.process_time() - began))
    return sorted(rates)


def texts(quick: bool) -> Iterator[tuple[str, list[Note]]]:
    """(name, notes) of each kind of notes."""
    yield (
        "synthetic",
        [d.joined() for d in synthetic.read(synthetic.Config(documents=100 if quick else 1000)).documents],
    )
    transcribed = DATA / "notes" / "mtsamples.jsonl"
    if transcribed.exists():
        with transcribed.open(encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        yield "mtsamples", [Note(str(row["id"]), row["text"]) for row in rows][: 200 if quick else None]
    if (DATA / "codiesp" / "dev").is_dir():
        cases = codiesp.read(codiesp.Config(root=DATA / "codiesp")).documents
        yield "codiesp", [d.joined() for d in cases if d.split == "test"]


def compile_seconds() -> float:
    """Processor seconds in which the dictionary of ICD-10-CM is made, the index included where it has been fetched."""
    system = systems.load("icd10cm")
    began = time.process_time()
    Dictionary.compile(terms(system), sided(system))
    return time.process_time() - began


def main() -> None:
    quick = "--quick" in sys.argv
    coder = Coder.builtin()
    print(f"start (warm)            {start_seconds():6.2f} s")
    for name, notes in texts(quick):
        words = sum(len(note.text.split()) for note in notes) / len(notes)
        rates = notes_a_second(coder, notes)
        print(
            f"{name:12} {len(notes):5} notes of {words:4.0f} words {statistics.median(rates):6.0f} notes a second,"
            f" {rates[0]:.0f} to {rates[-1]:.0f} in {REPEATS} repeats"
        )
    print(f"peak memory             {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:6.0f} MB")
    fetched = "with" if sources.located(index_terms.SOURCE) else "without"
    print(f"dictionary, compiled    {compile_seconds():6.1f} s ({fetched} the alphabetic index)")


if __name__ == "__main__":
    main()
