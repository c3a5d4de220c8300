"""The built-in coder: time to start, notes a second on one core, memory.

    python -m benchmarks builtin_coder [--quick]

Notes are those of the synthetic corpus (400 words); a folder $ICDCODER_DATA/notes with mtsamples.jsonl is read too.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from icdcoder.coder import Coder
from icdcoder.core.note import Note
from icdcoder.corpora.synthetic import Config, read

REPEATS = 3
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


def notes_a_second(coder: Coder, notes: list[Note]) -> float:
    """Median over repeats, in processor seconds, so that a busy machine counts less."""
    rates = []
    for _ in range(REPEATS):
        began = time.process_time()
        for _ in coder.code_all(notes):
            pass
        rates.append(len(notes) / (time.process_time() - began))
    return statistics.median(rates)


def main() -> None:
    quick = "--quick" in sys.argv
    coder = Coder.builtin()
    texts = {"synthetic": [d.joined() for d in read(Config(documents=100 if quick else 1000)).documents]}
    real = DATA / "notes" / "mtsamples.jsonl"
    if real.exists():
        with real.open(encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        texts["mtsamples"] = [Note(str(row["id"]), row["text"]) for row in rows][: 200 if quick else None]
    print(f"start (warm)            {start_seconds():6.2f} s")
    for name, notes in texts.items():
        words = sum(len(note.text.split()) for note in notes) / len(notes)
        print(
            f"{name:12} {len(notes):5} notes of {words:4.0f} words   {notes_a_second(coder, notes):6.0f} notes a second"
        )
    print(f"peak memory             {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:6.0f} MB")


if __name__ == "__main__":
    main()
