"""Where the rules of the code set are applied: by default to the built-in coder, and never where the user says no."""

from __future__ import annotations

from icdcoder.coder import Coder

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
