from __future__ import annotations

import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.knowledge.qualifiers import qualifiers

ICD10CM = systems.load("icd10cm")
BILLABLE = [code.value for code in ICD10CM.codes() if ICD10CM.is_billable(code)]


def test_every_line_makes_billable_codes_of_billable_codes() -> None:
    wrong = []
    for line in qualifiers():
        assert line.said
        made = [(value, exact) for value in BILLABLE if (exact := line.applied(value)) is not None]
        if not made:
            wrong.append((line.codes, "no code"))
        for value, exact in made:
            if not ICD10CM.is_billable(Code("icd10cm", exact)):
                wrong.append((value, exact))
    assert wrong == []


def test_every_place_in_braces_is_read() -> None:
    """A brace inside one ends it too early, and the line would never match."""
    assert [line.words for line in qualifiers() if "near:" in line.words or "{side" in line.words] == []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("right shoulder <contracture>", ["1"]),
        ("<contracture> of the L shoulder", ["2"]),
        ("<contracture>, seen after right knee surgery and far from the shoulder", []),
        ("<contracture> and shoulder pain", []),
    ],
)
def test_a_line_about_sides_is_two(statement: str, found: list[str]) -> None:
    lines = [line for line in qualifiers() if line.codes == r"M24\.50" and "shoulder" in line.words]
    assert [line.exact for line in lines] == ["M24.511", "M24.512"]
    assert [line.exact[-1] for line in lines if line.said.search(statement)] == found
