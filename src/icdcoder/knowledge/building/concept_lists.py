"""Concepts that a language model lists, for coders over concepts: general ones of each category, specific ones of each
code, as many as Fatemi et al. (PMLR 297, 2026) have; concepts of the same words are one, of all their codes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from icdcoder import systems
from icdcoder.core.cache import write_atomic
from icdcoder.core.code import Code
from icdcoder.knowledge import concept_files
from icdcoder.knowledge.building import parsing
from icdcoder.knowledge.building.answers import Given
from icdcoder.knowledge.concepts import GENERAL, SPECIFIC, Concept, ConceptSet, merged

# How many are asked for, by layer.
COUNTS = {GENERAL: 5, SPECIFIC: 2}
FILE = "concepts.tsv"
# A code, or a category, and how many concepts are asked of it.
Topic = tuple[Code, int]


def topics(codes: Sequence[Code]) -> list[Topic]:
    """Each category once, then each code."""
    categories = dict.fromkeys(map(_category, codes))
    return [(code, COUNTS[GENERAL]) for code in categories] + [(code, COUNTS[SPECIFIC]) for code in codes]


def write(
    folder: Path, codes: Sequence[Code], given: Mapping[Topic, Given]
) -> tuple[ConceptSet, tuple[Code, ...], dict[str, int]]:
    """Writes FILE, which `concept_files.read` takes; gives what it holds, the codes and categories whose answer held
    nothing, and what was dropped."""
    below: dict[Code, list[Code]] = {}
    for code in codes:
        below.setdefault(_category(code), []).append(code)
    drafts: list[Concept] = []
    dropped: Counter[str] = Counter()
    without: list[Code] = []
    sources = ["# concepts by a language model; the whole answers are in answers.jsonl. Look them through before use."]
    # Specific ones first: where both layers name a concept, its name is the code's.
    for (code, count), answer in sorted(given.items(), key=lambda one: one[0][1]):
        texts, left_out = parsing.concepts(answer.answer if answer.finished else answer.answer.rpartition("\n")[0])
        dropped.update(left_out)
        general = count == COUNTS[GENERAL]
        bearing = tuple(below.get(code, ())) if general else (code,)
        drafts += [Concept(text, GENERAL if general else SPECIFIC, bearing) for text in texts[:count]]
        if not texts:
            without.append(code)
        cut = "" if answer.finished else " cut=yes"
        sources.append(f"# from: {code} model={answer.model} at={answer.at} answer={answer.digest[:16]}{cut}")
    found = ConceptSet(merged(drafts))
    concept_files.write(folder / FILE, found)
    body = (folder / FILE).read_text(encoding="utf-8")
    write_atomic(folder / FILE, "\n".join(sources) + "\n" + body)
    return found, tuple(dict.fromkeys(without)), dict(dropped)


def _category(code: Code) -> Code:
    edition = systems.load(code.system)
    return edition.category(code)
