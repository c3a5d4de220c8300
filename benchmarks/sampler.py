"""Knowledge-driven sampling: notes a second on one core, with as much wording as 50 codes with 90 expressions each.

    python -m benchmarks sampler [--quick]

Notes are some 1,500 words long, made of those of the synthetic corpus, and cut to 512 words. The sampler's own work
and the finding of sections, which it does first, are shown apart: the latter is the larger part.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence

from icdcoder.corpora.synthetic import Config, read
from icdcoder.knowledge import expressions
from icdcoder.text import sections
from icdcoder.text.knowledge_sample import KnowledgeSampler
from icdcoder.text.tokens import words

# As in the paper: 50 codes with 30 terms, abbreviations and synonyms each.
EXPRESSIONS, BUDGET, WORDS, REPEATS = 50 * 90, 512, 1500, 9


def terms() -> list[str]:
    """The expressions of the codes that have most; of more codes than 50, since ours have fewer than 90 each."""
    known = expressions.load("icd9cm") | expressions.load("icd9pcs")
    codes = sorted(known, key=lambda code: (-len(known[code]), code))
    every = dict.fromkeys(expression.text for code in codes for expression in known[code])
    return list(every)[:EXPRESSIONS]


def long_notes(count: int) -> list[str]:
    texts = [document.joined().text for document in read(Config(documents=4 * count)).documents]
    return [" ".join("\n\n".join(texts[4 * i : 4 * i + 4]).split(" ")[:WORDS]) for i in range(count)]


def notes_a_second(work: Callable[[int], object], count: int) -> float:
    """Of the quickest of some passes, in processor time, since other work on the machine only ever slows one."""
    times = []
    for _ in range(REPEATS):
        began = time.process_time()
        for i in range(count):
            work(i)
        times.append(time.process_time() - began)
    return count / min(times)


def main() -> None:
    notes = long_notes(30 if "--quick" in sys.argv else 200)
    known = terms()
    tokens = [words(note) for note in notes]
    began = time.perf_counter()
    sampler = KnowledgeSampler(known)
    built = time.perf_counter() - began
    found = {i: sections.split(note) for i, note in enumerate(notes)}
    print(f"{len(notes)} notes of {statistics.mean(map(len, tokens)):.0f} tokens, {len(known)} expressions")
    print(f"building the sampler         {built * 1e3:8.1f} ms")
    rows: Sequence[tuple[str, Callable[[int], object]]] = (
        ("sampling, sections known", lambda i: sampler(tokens[i], BUDGET, notes[i], found[i])),
        ("finding sections", lambda i: sections.split(notes[i])),
        ("both", lambda i: sampler(tokens[i], BUDGET, notes[i])),
    )
    for name, work in rows:
        print(f"{name:28} {notes_a_second(work, len(notes)):8.0f} notes a second")


if __name__ == "__main__":
    main()
