"""What clinicians write for a code: terms, abbreviations, synonyms, and findings that only suggest it.

The files in `data/expressions` were written for icdcoder. Terms, abbreviations and synonyms a code are the knowledge of
"How to leverage large language models for automatic ICD coding", appendix B, which has a language model list them.
One line gives expressions of one kind for codes that mean the same in their systems:

    icd9cm:401.9 icd10cm:I10<TAB>abbreviation<TAB>HTN | HBP
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from icdcoder import systems
from icdcoder.core import text_file
from icdcoder.core.code import Code
from icdcoder.core.errors import IcdcoderError, InputError, did_you_mean

KINDS = ("term", "abbreviation", "synonym", "indirect")
CODING_KINDS = ("term", "abbreviation", "synonym")


@dataclass(frozen=True, slots=True)
class Expression:
    """kind: "term", "abbreviation" (to be matched in its own case), "synonym", or "indirect": drugs, laboratory values
    and procedures, which suggest the code without stating it."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class ExpressionGroup:
    """codes: all that the expressions state, in one or more systems; more than one of a system where the words name
    two conditions at once (acute on chronic …). by_kind: kind → expressions, in the order of the files."""

    codes: tuple[Code, ...]
    by_kind: Mapping[str, tuple[str, ...]]


def files() -> list[Path]:
    """The files that icdcoder brings."""
    return sorted((Path(__file__).parent / "data" / "expressions").glob("*.tsv"))


def read(path: Path) -> tuple[ExpressionGroup, ...]:
    """One file of the user's. Raises InputError that names the file and line where a line is malformed, a code is not
    in its system's edition, or a kind is unknown."""
    return _merged(_parsed(path, _canonical))


def load_groups(more: Sequence[Path] = ()) -> tuple[ExpressionGroup, ...]:
    """The groups of icdcoder's files and of `more` (read as by `read`): the same codes are one group, whatever the
    file. Codes of icdcoder's files that the installed editions no longer hold are left out."""
    found = []
    for group in (*_own(), *(group for path in more for group in read(path))):
        codes = tuple(code for code in group.codes if code in systems.load(code.system))
        found += [_Line(codes, kind, texts) for kind, texts in group.by_kind.items() if codes]
    return _merged(found)


def load(
    system: str, kinds: Collection[str] = CODING_KINDS, more: Sequence[Path] = ()
) -> dict[Code, tuple[Expression, ...]]:
    """{code: its expressions of these kinds}, for the codes of one system that have any; `more` as in `load_groups`."""
    for kind in kinds:
        _check_kind(kind)
    edition = systems.load(system)
    found: dict[Code, dict[Expression, None]] = {}
    for group in (*_own(), *(group for path in more for group in read(path))):
        listed = [Expression(text, kind) for kind in KINDS if kind in kinds for text in group.by_kind.get(kind, ())]
        for code in group.codes:
            if listed and code.system == system and code in edition:
                found.setdefault(code, {}).update(dict.fromkeys(listed))
    return {code: tuple(listed) for code, listed in found.items()}


@dataclass(frozen=True, slots=True)
class _Line:
    codes: tuple[Code, ...]
    kind: str
    texts: tuple[str, ...]


@cache
def _own() -> tuple[ExpressionGroup, ...]:
    """Our files, whose spelling and codes the tests check: looking every code up would load every system."""
    return _merged(line for path in files() for line in _parsed(path, Code.parse))


def _merged(lines: Iterable[_Line]) -> tuple[ExpressionGroup, ...]:
    groups: dict[frozenset[Code], tuple[tuple[Code, ...], dict[str, dict[str, None]]]] = {}
    for line in lines:
        _, by_kind = groups.setdefault(frozenset(line.codes), (line.codes, {}))
        by_kind.setdefault(line.kind, {}).update(dict.fromkeys(line.texts))
    return tuple(
        ExpressionGroup(codes, {kind: tuple(texts) for kind, texts in by_kind.items()})
        for codes, by_kind in groups.values()
    )


def _parsed(path: Path, as_code: Callable[[str], Code]) -> Iterator[_Line]:
    for number, line in text_file.entries(text_file.read(path)):
        try:
            yield _parse(line, as_code)
        except IcdcoderError as error:
            raise InputError(f"{path}, line {number}: {error}") from None


def _parse(line: str, as_code: Callable[[str], Code]) -> _Line:
    fields = line.split("\t")
    if len(fields) != 3:
        raise InputError(f"It has {len(fields)} columns instead of 3 (codes, kind and expressions, tabs between them).")
    codes, kind, texts = fields
    _check_kind(kind.strip())
    listed = tuple(text.strip() for text in texts.split("|"))
    if not all(listed):
        raise InputError("An expression is empty; they are written a | b | c.")
    given = tuple(as_code(code) for code in codes.split())
    if not given or len(set(given)) != len(given):
        raise InputError("It needs one or more codes, each once, as in 'icd9cm:401.9 icd10cm:I10'.")
    return _Line(given, kind.strip(), listed)


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        near = did_you_mean(kind, list(KINDS))
        raise InputError(f"There is no kind of expression {kind!r}.{near} Known: {', '.join(KINDS)}.")


def _canonical(text: str) -> Code:
    code = Code.parse(text)
    return systems.load(code.system).canonical(code.value)
