from __future__ import annotations

from collections import Counter

from icdcoder.text.normal_form import normal_form
from icdcoder.text.word_variants import DATA, joined, variants


def test_families() -> None:
    assert joined("hepatic") == joined("liver") == "liver"
    assert joined("infarcted") == joined("infarction")
    assert joined("unknown") == "unknown"


def test_no_word_is_in_two_families_and_all_are_in_normal_form() -> None:
    lines = DATA.read_text(encoding="utf-8").splitlines()
    words = [word for line in lines if line and not line.startswith("#") for word in line.split()]
    assert [word for word, count in Counter(words).items() if count > 1] == []
    assert sorted(variants() & {joined(word) for word in words}) == []
    assert [word for word in words if normal_form(normal_form(word)) != normal_form(word)] == []
