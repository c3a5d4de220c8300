"""The dictionary's terms: which wordings stand for which code, from descriptions, inclusion terms and expressions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from icdcoder.core import text_file
from icdcoder.core.code import Code
from icdcoder.knowledge import expressions
from icdcoder.knowledge.shipped import FOLDER, lines, rows
from icdcoder.predictors.dictionary import index_wordings, neoplasm_wordings

if TYPE_CHECKING:
    from icdcoder.systems.table.contract import CodeSystem


class Source(IntEnum):
    """Where a wording comes from; the smaller, the more it is trusted."""

    EXPRESSION = 0
    ABBREVIATION = 1
    DESCRIPTION = 2
    INCLUSION = 3
    INDEX = 4
    HEADING = 5
    EVERYDAY = 6
    """A single everyday word ("pain", "disease"): a candidate, never more."""
    PAST = 7
    """An operation ("nephrectomy"), which states its code only where the note puts it into the past."""


@dataclass(frozen=True, slots=True)
class Term:
    """code: None for a phrase that holds a condition's name and means none ("flu shot"). joint: the text states further
    codes beside this one ("diabetic gastroparesis"); otherwise further codes are other readings of it."""

    text: str
    code: Code | None
    source: Source
    joint: bool = False


NO_CONDITION, PAST_PROCEDURES = FOLDER / "no_condition.txt", FOLDER / "past_procedures.tsv"


# Parts of a description that clinicians do not write.
_EMPTY = re.compile(
    r"\b(?:unspecified|nos|not otherwise specified|not elsewhere classified|nec|so stated|as such|"
    r"without (?:mention of )?complications?|without (?:mention of )?status migrainosus|"
    r"initial encounter(?: for closed fracture)?|"
    r"type of|unspecified as to episode of care(?: or not applicable)?)\b"
)
_VAGUE = re.compile(r"^(?:other|certain|unlisted)\b|\b(?:other specified|elsewhere|classified|so specified)\b")
_LONE_COMMA = re.compile(r"\s*,\s*(?=,|$)")
_AT_END = re.compile(r"[\s,]+$")
_BLANKS = re.compile(r"\s+")
_BRACKETS = re.compile(r"\s*(?:\([^)]*\)|\[[^\]]*\])")
# Terms know no word order: read as words, "chills (without fever)" would be found in "fever without chills".
_DENIED = re.compile(r"\s*\(without [^)]*\)")
_LONGEST = 90
# Codes for ranges of a number, which predictors/dictionary/measures.py reads.
_NUMBERS = ("Z68", "Z3A", "R40.24", "R29.7", "T31")


@dataclass(frozen=True, slots=True)
class Own:
    """What the user brings. wordings: groups in the form of ours, which take the place of ours where the words are the
    same. no_condition: phrases that name a condition and mean none."""

    wordings: tuple[expressions.ExpressionGroup, ...] = ()
    no_condition: tuple[str, ...] = ()

    @classmethod
    def read(cls, wordings: Path | None, no_condition: Path | None) -> Own:
        """Raises InputError where a file cannot be read or a line of it is malformed."""
        groups = () if wordings is None else expressions.read(wordings)
        return cls(groups, () if no_condition is None else tuple(_phrases(no_condition)))


NOTHING_OWN = Own()


def terms(
    system: CodeSystem, *, with_expressions: bool = True, with_index: bool = True, own: Own = NOTHING_OWN
) -> Iterator[Term]:
    """Every term of a code system. Headings stand for the leaf that is coded when nothing more is known."""
    for line in (*lines(NO_CONDITION.name), *own.no_condition):
        yield Term(line, None, Source.EXPRESSION)
    yield from _expressed(system, own.wordings)
    if with_expressions:
        taken = {text.lower() for group in own.wordings for texts in group.by_kind.values() for text in texts}
        yield from _expressed(system, expressions.load_groups(), taken)
        yield from _past_procedures(system)
    leaves: dict[Code, Code | None] = {}
    for code in system.codes():
        leaf = default_leaf(system, code, leaves)
        if leaf is None:
            continue
        if code.system == "icd10cm" and code.value.startswith(_NUMBERS):
            continue
        source = Source.DESCRIPTION if leaf == code else Source.HEADING
        for text in wordings_of(system.description(code)):
            yield Term(text, leaf, source)
        for inclusion in system.inclusion_terms(code):
            for text in wordings_of(inclusion):
                yield Term(text, leaf, max(source, Source.INCLUSION))
    if with_index and system.name == "icd10cm":
        yield from _indexed(system, leaves)


def _phrases(path: Path) -> Iterator[str]:
    for line in text_file.read(path).split("\n"):
        if line.strip() and not line.startswith("#"):
            yield line.strip()


def _expressed(
    system: CodeSystem, groups: Iterable[expressions.ExpressionGroup], taken: Collection[str] = ()
) -> Iterator[Term]:
    """taken: wordings, in small letters, that are somebody else's."""
    for group in groups:
        codes = [code for code in group.codes if code.system == system.name]
        for kind in expressions.CODING_KINDS:
            source = Source.ABBREVIATION if kind == "abbreviation" else Source.EXPRESSION
            for text in group.by_kind.get(kind, ()):
                if text.lower() not in taken:
                    yield from (Term(text, code, source, len(codes) > 1) for code in codes)


def _past_procedures(system: CodeSystem) -> Iterator[Term]:
    if system.name != "icd10cm":
        return
    for value, texts in rows(PAST_PROCEDURES.name):
        yield from (Term(text.strip(), Code("icd10cm", value), Source.PAST) for text in texts.split("|"))


def _indexed(system: CodeSystem, leaves: dict[Code, Code | None]) -> Iterator[Term]:
    """Terms of the alphabetic index and the neoplasm table, where the user has fetched them. leaves: of headings."""
    from icdcoder.knowledge import index_terms, sources, table_of_neoplasms

    if sources.located(index_terms.SOURCE) is None:
        return
    pairs = chain(index_wordings.wordings(index_terms.load()), neoplasm_wordings.wordings(table_of_neoplasms.load()))
    for text, code, manifestation in pairs:
        for one in (code, manifestation):
            if one is not None and (billable := default_leaf(system, one, leaves)) is not None:
                yield Term(text, billable, Source.INDEX, manifestation is not None)


def wordings_of(description: str) -> list[str]:
    """What a clinician may write for a tabular description; [] where it names a rest class ("Other …").

    Brackets are taken out and, once, read as words; "unspecified" and its like are dropped; a comma inversion is
    covered because terms are matched whatever their word order.
    """
    lower = description.lower()
    if len(lower) > _LONGEST or _VAGUE.search(lower):
        return []
    found = []
    lower = _DENIED.sub("", lower)
    for text in dict.fromkeys((_BRACKETS.sub("", lower), lower)):
        bare = _BLANKS.sub(" ", _AT_END.sub("", _LONE_COMMA.sub("", _EMPTY.sub("", text)))).strip(" ,")
        if bare and bare not in found:
            found.append(bare)
    return found


def default_leaf(system: CodeSystem, code: Code, known: dict[Code, Code | None] | None = None) -> Code | None:
    """The billable code under a heading that says no more than the heading; None where there is none.

    At each level the child is taken whose description adds only "unspecified", "without complication" or, for
    injuries, "initial encounter"; ICD-10-CM marks it by the ending 9, 0 or A. known: those that have been found, for a
    caller that asks of many headings.
    """
    known = {} if known is None else known
    if code in known:
        return known[code]
    if system.is_billable(code):
        return code
    above = set(_WORD.findall(system.description(code).lower()))
    plain = [(_plainness(system.description(c).lower(), c.value, above), c) for c in system.children(code)]
    best = max(plain, key=itemgetter(0), default=None)
    known[code] = default_leaf(system, best[1], known) if best and best[0] > 0 else None
    return known[code]


_WORD = re.compile(r"\w+")
_PLAIN = ("unspecified", "without complication", "initial encounter", "nos", "uncomplicated", "not specified")
_SPECIAL = ("other", "with ", "due to", "subsequent", "sequela", "in diseases classified", "open fracture")


def _plainness(description: str, value: str, above: set[str]) -> float:
    score = 2.0 * sum(map(description.__contains__, _PLAIN))
    score -= 1.5 * sum(map(description.replace("without", "").__contains__, _SPECIAL))
    added = set(_WORD.findall(description)) - above
    score -= 0.1 * len(added)
    return score + 0.3 * value.endswith(("9", "0", "A"))
