"""What the code systems themselves say of their codes: the long titles and the inclusion terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import final

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.knowledge import code_texts
from icdcoder.systems import CodeSystem


def load(system: str) -> Mapping[Code, str]:
    """{code: long title} of every code of a system, billable or not, without a copy of its table.

    A code that the edition does not hold raises UnknownCodeError, which is a KeyError; `get` gives None.
    """
    return _Descriptions(systems.load(system))


def of(codes: Iterable[Code], file: Path | None = None) -> tuple[str, ...]:
    """The description of each code: that of the user's file (see `code_texts`), else the edition's, else that of the
    nearest code above it which the edition holds ("40.7" has that of "40"); "" where there is none at all."""
    codes = tuple(codes)
    given = code_texts.of(codes, file)
    return tuple(given[code][0] if code in given else _nearest(code) for code in codes)


def _nearest(code: Code) -> str:
    table = load(code.system)
    for end in range(len(code.value), 1, -1):
        value = code.value[:end].rstrip(".")
        if value and Code(code.system, value) in table:
            return table[Code(code.system, value)]
    return ""


def load_inclusion_terms(system: str) -> dict[Code, tuple[str, ...]]:
    """{code: other names of what is coded there}, for the codes that have any."""
    found = systems.load(system)
    terms = ((code, found.inclusion_terms(code)) for code in found.codes())
    return {code: given for code, given in terms if given}


@final
class _Descriptions(Mapping[Code, str]):
    def __init__(self, system: CodeSystem) -> None:
        self._system = system

    def __getitem__(self, code: Code) -> str:
        return self._system.description(code)

    def __contains__(self, code: object) -> bool:
        return code in self._system

    def __iter__(self) -> Iterator[Code]:
        return self._system.codes()

    def __len__(self) -> int:
        return len(self._system)
