"""The one implementation of the contract: a code system over compiled columns and a rule of spelling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import final

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError, UnknownCodeError, did_you_mean
from icdcoder.systems.table.columns import Columns
from icdcoder.systems.table.contract import Heading
from icdcoder.systems.table.spelling import Spelling


@final
@dataclass(frozen=True, eq=False, repr=False)
class TabularSystem:
    """Implements `CodeSystem`, where each method is explained."""

    name: str
    title: str
    edition: str
    uri: str
    spelling: Spelling
    columns: Columns

    def __repr__(self) -> str:
        return f"TabularSystem({self.name}, edition {self.edition}, {len(self)} codes)"

    def spell(self, raw: str) -> Code:
        return Code(self.name, self.spelling.dotted(raw))

    def canonical(self, raw: str) -> Code:
        try:
            code = self.spell(raw)
        except InputError as error:
            raise UnknownCodeError(str(error)) from None
        self._row(code)
        return code

    def __contains__(self, code: object) -> bool:
        return isinstance(code, Code) and code.system == self.name and code.value in self.columns.rows

    def __len__(self) -> int:
        return len(self.columns)

    def codes(self) -> Iterator[Code]:
        return (Code(self.name, value) for value in self.columns.values)

    def billable(self) -> Iterator[Code]:
        pairs = zip(self.columns.values, self.columns.billable, strict=True)
        return (Code(self.name, value) for value, billable in pairs if billable)

    def is_billable(self, code: Code) -> bool:
        return bool(self.columns.billable[self._row(code)])

    def description(self, code: Code) -> str:
        return self.columns.descriptions[self._row(code)]

    def parent(self, code: Code) -> Code | None:
        row = self.columns.parent[self._row(code)]
        return None if row < 0 else self._code(row)

    def children(self, code: Code) -> tuple[Code, ...]:
        return tuple(map(self._code, self.columns.children(self._row(code))))

    def ancestors(self, code: Code) -> tuple[Code, ...]:
        return tuple(map(self._code, self.columns.above(self._row(code))))

    def descendants(self, code: Code) -> Iterator[Code]:
        row = self._row(code)
        return map(self._code, range(row + 1, self.columns.end[row]))

    def category(self, code: Code) -> Code:
        return (code, *self.ancestors(code))[-1]

    def block(self, code: Code) -> Heading | None:
        row = self.columns.headings[self.columns.heading[self._row(code)]]
        return None if row.above < 0 else row.heading

    def chapter(self, code: Code) -> Heading:
        *_, index = self.columns.headings_of(self._row(code))
        return self.columns.headings[index].heading

    def blocks(self) -> tuple[Heading, ...]:
        return tuple(row.heading for row in self.columns.headings if row.above >= 0)

    def chapters(self) -> tuple[Heading, ...]:
        return tuple(row.heading for row in self.columns.headings if row.above < 0)

    def inclusion_terms(self, code: Code) -> tuple[str, ...]:
        return self._notes("inclusion_terms", code, False)

    def includes(self, code: Code, *, inherited: bool = False) -> tuple[str, ...]:
        return self._notes("includes", code, inherited)

    def excludes1(self, code: Code, *, inherited: bool = False) -> tuple[str, ...]:
        return self._notes("excludes1", code, inherited)

    def excludes2(self, code: Code, *, inherited: bool = False) -> tuple[str, ...]:
        return self._notes("excludes2", code, inherited)

    def code_first(self, code: Code, *, inherited: bool = False) -> tuple[str, ...]:
        return self._notes("code_first", code, inherited)

    def use_additional(self, code: Code, *, inherited: bool = False) -> tuple[str, ...]:
        return self._notes("use_additional", code, inherited)

    def code_also(self, code: Code, *, inherited: bool = False) -> tuple[str, ...]:
        return self._notes("code_also", code, inherited)

    def seventh_characters(self, code: Code) -> Mapping[str, str]:
        row = self._row(code)
        defined = self.columns.notes.get("seventh", {})
        for here in (row, *self.columns.above(row)):
            if str(here) in defined:
                return {text[0]: text[2:] for text in defined[str(here)]}
        return {}

    def _code(self, row: int) -> Code:
        return Code(self.name, self.columns.values[row])

    def _row(self, code: Code) -> int:
        if code.system == self.name:
            row = self.columns.rows.get(code.value)
            if row is not None:
                return row
            raise UnknownCodeError(f"{self.title} {self.edition} has no code {code.value}.{self._near(code.value)}")
        raise UnknownCodeError(f"{code} is not a code of {self.title}.")

    def _near(self, value: str) -> str:
        """Looks below the same category, then among the categories: comparing with every code would take seconds."""
        values, parent = self.columns.values, self.columns.parent
        categories = [known for known, above in zip(values, parent, strict=True) if above < 0]
        inside = [known for known in values if known.startswith(value[: len(categories[-1])])]
        return did_you_mean(value, inside) or did_you_mean(value, categories)

    def _notes(self, kind: str, code: Code, inherited: bool) -> tuple[str, ...]:
        row = self._row(code)
        given = self.columns.notes.get(kind, {})
        rows = [str(row)]
        if inherited:
            rows += [str(above) for above in self.columns.above(row)]
            rows += [f"h{index}" for index in self.columns.headings_of(row)]
        return tuple(text for key in rows for text in given.get(key, ()))
