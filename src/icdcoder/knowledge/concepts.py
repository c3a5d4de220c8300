"""Concepts: what a note can say that bears on a code, at two layers of the code hierarchy.

After Fatemi et al., "Concept-Enhanced Automatic ICD Coding using Large Language Models", PMLR 297 (2026): layer 1 holds
general concepts of a code's parent (signs, tests, treatments, kindred conditions), layer 2 concepts of the code alone.
The paper has a language model write them. Here, they are made of what is known of codes without any model:
descriptions, inclusion terms and notes, the alphabetic index where it is at hand, and our expressions.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np
import numpy.typing as npt

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.core.errors import InputError, did_you_mean
from icdcoder.knowledge import concept_names, descriptions, hierarchy

GENERAL, SPECIFIC = 1, 2
# Further names by which a concept may be found. More than ours of any code: the abbreviations, of which notes are full
# (HTN, CAD, AF), stand far down in a list.
WORDINGS = 128
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Concept:
    """name: for people, unique by its words (`key`). layer: GENERAL or SPECIFIC. codes: all that it bears on; a
    category among them stands for itself. wordings: other words for the same."""

    name: str
    layer: int
    codes: tuple[Code, ...]
    wordings: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.name, *self.wordings)


@dataclass(frozen=True)
class ConceptSet:
    """Concepts in a fixed order: column i of a matrix "note concept" is `concepts[i]`, everywhere."""

    concepts: tuple[Concept, ...]

    def __post_init__(self) -> None:
        if len({key(concept.name) for concept in self.concepts}) != len(self.concepts):
            raise InputError("A set of concepts cannot hold a concept twice.")

    def __len__(self) -> int:
        return len(self.concepts)

    def __iter__(self) -> Iterator[Concept]:
        return iter(self.concepts)

    def index(self, name: str) -> int:
        """The place of a concept, by its name in any case, or by a wording that no other has. Raises InputError (did
        you mean …)."""
        wanted = key(name)
        for i, concept in enumerate(self.concepts):
            if key(concept.name) == wanted:
                return i
        worded = [i for i, concept in enumerate(self.concepts) if wanted in map(key, concept.wordings)]
        if len(worded) == 1:
            return worded[0]
        near = did_you_mean(name, [concept.name for concept in self.concepts])
        raise InputError(f"There is no concept {name!r}.{near}")

    def membership(self, codes: Sequence[Code]) -> tuple[npt.NDArray[np.bool_], Mapping[Code, Code | None]]:
        """("code concept": which concepts bear on which code, {code without concepts of its own: the code above it
        whose concepts it takes, or None where nothing above it has any})."""
        by_code: dict[Code, list[int]] = {}
        for i, concept in enumerate(self.concepts):
            for code in concept.codes:
                by_code.setdefault(code, []).append(i)
        matrix = np.zeros((len(codes), len(self)), dtype=np.bool_)
        fallen: dict[Code, Code | None] = {}
        for row, code in enumerate(codes):
            found = by_code.get(code)
            if found is None:
                above = next((a for a in _above(code) if a in by_code), None)
                fallen[code] = above
                found = by_code[above] if above else []
            matrix[row, found] = True
        return matrix, fallen


def fallback_sentences(fallen: Mapping[Code, Code | None]) -> list[str]:
    """What a person should know of codes without concepts of their own."""
    taken = [f"{code} (those of {above})" for code, above in fallen.items() if above is not None]
    none = [str(code) for code, above in fallen.items() if above is None]
    found = []
    if taken:
        found.append(f"Codes without concepts of their own, which take those above them: {_few(taken)}.")
    if none:
        found.append(f"Codes without any concept, which can only score their own frequency: {_few(none)}.")
    return found


def build(
    codes: Sequence[Code],
    *,
    general: int = 5,
    specific: int = 2,
    index: bool = False,
    expressions: Sequence[Path] = (),
    above: Collection[str] = ("category",),
) -> ConceptSet:
    """At most `general` concepts for each node `above` (chapter, block, category) with a code, shared by its codes, and
    `specific` for each code.

    index: use the fetched alphabetic index too (ICD-10-CM). expressions: files of the user's, taken before ours.
    Concepts of the same words are one concept of all their codes, those included of which they are a wording. Only the
    codes are looked at, no note, so that nothing can leak from a corpus.
    """
    if general < 0 or specific < 0 or general + specific == 0:
        raise InputError("Concepts need layers: general and specific are 0 or more, and one of them is positive.")
    wordings = concept_names.Wordings.of({code.system for code in codes}, index=index, more=expressions)
    levels = hierarchy.chain(codes)
    categories = hierarchy.ancestor_of_codes(levels, "category")
    titles = dict(zip(codes, descriptions.of(codes), strict=True))
    drafts: list[Concept] = []
    for code in codes:
        drafts += _specific(code, titles[code], wordings, specific)
    taken = {key(draft.name) for draft in drafts}
    for number, name in enumerate(levels[2].names if "category" in above else ()):
        below = tuple(code for code, own in zip(codes, categories, strict=True) if own == number)
        found = _general(Code.parse(name), below, titles, wordings, general, taken)
        taken.update(key(concept.name) for concept in found)
        drafts += found
    for kind in (kind for kind in ("block", "chapter") if kind in above):
        found = _of_higher(kind, codes, levels, wordings, general, taken)
        taken.update(key(concept.name) for concept in found)
        drafts += found
    return ConceptSet(_shared(merged(drafts), codes, categories.tolist(), wordings))


def key(text: str) -> tuple[str, ...]:
    """What makes two concepts the same: their words, in any case and order."""
    return tuple(sorted(set(_WORD.findall(text.casefold()))))


def merged(drafts: Iterable[Concept]) -> tuple[Concept, ...]:
    """Concepts of the same words become one, of all their codes; the more specific layer stands."""
    found: dict[tuple[str, ...], Concept] = {}
    for draft in drafts:
        own = key(draft.name)
        if not own:
            continue
        before = found.get(own)
        if before is None:
            found[own] = draft
            continue
        codes = tuple(dict.fromkeys((*before.codes, *draft.codes)))
        words = tuple(dict.fromkeys((*before.wordings, *draft.wordings)))[:WORDINGS]
        found[own] = replace(before, layer=max(before.layer, draft.layer), codes=codes, wordings=words)
    return tuple(found.values())


def _specific(code: Code, title: str, wordings: concept_names.Wordings, count: int) -> list[Concept]:
    """The condition itself, by all its names; then what else points to this code: what suggests it, other names."""
    if not count or not title:
        return []
    names = wordings.names(code)
    name = concept_names.short(title)
    first = Concept(name, SPECIFIC, (code,), tuple(_distinct(names, {key(name)}))[:WORDINGS])
    others = _distinct([*wordings.indirect(code), *wordings.inclusions(code), *names], {key(name)})
    return [first, *(Concept(text, SPECIFIC, (code,)) for text in others[: count - 1])]


def _general(
    category: Code,
    below: tuple[Code, ...],
    titles: Mapping[Code, str],
    wordings: concept_names.Wordings,
    count: int,
    taken: set[tuple[str, ...]],
) -> list[Concept]:
    """The category's title, what suggests any code of it (by turns), its inclusion notes, its kin, its block."""
    edition = systems.load(category.system)
    known = category in edition
    title = [concept_names.short(edition.description(category))] if known else []
    suggestions = [wordings.indirect(code) for code in dict.fromkeys((category, *below))]
    by_turns = [text for text in chain.from_iterable(zip_longest(*suggestions)) if text]
    notes = [concept_names.short(text) for text in wordings.inclusions(category)]
    kin = [concept_names.short(edition.description(c)) for c in edition.children(category)] if known else []
    block = edition.block(category) if known else None
    own = [concept_names.short(titles[code]) for code in below]
    texts = _distinct(
        [*title, *by_turns, *notes, *kin, *([block.title] if block else [])], taken - set(map(key, title))
    )
    return [Concept(text, GENERAL, below) for text in (texts or own)[:count]]


def _of_higher(
    kind: str,
    codes: Sequence[Code],
    levels: Sequence[hierarchy.Level],
    wordings: concept_names.Wordings,
    count: int,
    taken: set[tuple[str, ...]],
) -> list[Concept]:
    """Of each block or chapter: its title, then by turns what is below it and what suggests any of its codes."""
    found: list[Concept] = []
    known = set(taken)
    members: dict[int, list[Code]] = {}
    for code, node in zip(codes, hierarchy.ancestor_of_codes(levels, kind).tolist(), strict=True):
        members.setdefault(node, []).append(code)
    for below in members.values():
        titles = [_titles(code, kind) for code in below if code in systems.load(code.system)]
        suggestions = [[title for _, title in titles], *(wordings.indirect(code) for code in below)]
        by_turns = [text for text in chain.from_iterable(zip_longest(*suggestions)) if text]
        texts = _distinct([*(title for title, _ in titles[:1]), *by_turns], known)[:count]
        known.update(map(key, texts))
        found += [Concept(text, GENERAL, tuple(below)) for text in texts]
    return found


def _titles(code: Code, kind: str) -> tuple[str, str]:
    """Of the code's block and category, or of its chapter and block; "" for what there is not."""
    edition = systems.load(code.system)
    category, block = edition.category(code), edition.block(code)
    of_block = concept_names.short(block.title) if block else ""
    if kind == "block":
        return of_block, concept_names.short(edition.description(category))
    chapter = edition.chapter(code)
    return (concept_names.short(chapter.title) if chapter else ""), of_block


def _shared(
    concepts: Sequence[Concept], codes: Sequence[Code], categories: Sequence[int], wordings: concept_names.Wordings
) -> tuple[Concept, ...]:
    """Each concept bears, beside its own codes, on every code that it is a wording of, and what suggests a code on
    all codes of that code's category."""
    kin: dict[int, list[Code]] = {}
    for code, category in zip(codes, categories, strict=True):
        kin.setdefault(category, []).append(code)
    bearing: dict[tuple[str, ...], dict[Code, None]] = {}
    for code, category in zip(codes, categories, strict=True):
        for text in wordings.indirect(code):
            bearing.setdefault(key(text), {}).update(dict.fromkeys(kin[category]))
        for text in (*wordings.names(code), *wordings.inclusions(code)):
            bearing.setdefault(key(text), {})[code] = None
    return tuple(
        replace(concept, codes=tuple(dict.fromkeys((*concept.codes, *bearing.get(key(concept.name), ())))))
        for concept in concepts
    )


def _distinct(texts: Iterable[str], seen: set[tuple[str, ...]]) -> list[str]:
    found, known = [], set(seen)
    for text in texts:
        own = key(text)
        if own and own not in known:
            known.add(own)
            found.append(text)
    return found


def _above(code: Code) -> Iterator[Code]:
    """Codes above, nearest first, by the spelling, so that codes of other editions have some too."""
    for end in range(len(code.value) - 1, 1, -1):
        value = code.value[:end]
        if not value.endswith("."):
            yield Code(code.system, value)


def _few(texts: Sequence[str]) -> str:
    return ", ".join(texts[:5]) + (f" and {len(texts) - 5} more" if len(texts) > 5 else "")
