"""Where the rules of the code set are applied: by default to the built-in coder, and never where the user says no."""

from __future__ import annotations

from datetime import date

from icdcoder.coder import Coder, Visit

NOTE = "A 70-year-old woman. Type 2 diabetes mellitus. Prostate cancer."


def test_the_built_in_coder_keeps_the_rules_unless_told_otherwise() -> None:
    coder = Coder.builtin()
    ruled, raw = coder.code(NOTE), coder.code(NOTE, rules=False)
    assert "C61" in {c.code.value for c in raw.accepted}
    assert "C61" not in {c.code.value for c in ruled.accepted}
    assert [c.rule for c in ruled.changes] == ["sex"]
    assert raw.changes == ()


def test_another_coder_keeps_them_only_when_told() -> None:
    coder = Coder(Coder.builtin().predictor)
    assert coder.code(NOTE).changes == ()
    assert coder.code(NOTE, rules=True).changes


def test_a_visit_fills_in_what_the_note_leaves_open() -> None:
    coder = Coder.builtin()
    note = "Prostate cancer. Chronic cough."
    assert "C61" in {c.code.value for c in coder.code(note).accepted}
    seen = coder.code(note, visit=Visit(served=date(2018, 5, 1), sex="female"))
    assert {c.code.value for c in seen.accepted} == {"R05"}
    assert {c.rule for c in seen.changes} == {"sex", "date of service"}


def test_the_date_in_the_heading_chooses_the_edition() -> None:
    coder = Coder.builtin()
    note = "Discharge Date: 2018-05-01\n\nChronic cough."
    assert coder.code(note).edition == "2018"
    assert coder.code(note, visit=Visit(served=date(2025, 11, 1))).edition != "2018"
