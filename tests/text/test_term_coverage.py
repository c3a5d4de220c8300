"""Coverage finds what a plain search for the same words finds, wherever it stands, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.text.term_coverage import LONGEST, TermCoverage

WORDS = ["heart", "failure", "acute", "MI", "of", "fevers", "ödem", "x1"]
TERMS = st.lists(st.lists(st.sampled_from(WORDS[:6]), min_size=1, max_size=3).map(" ".join), max_size=6)
TEXTS = st.lists(st.sampled_from([*WORDS, ".", ". ", "\n", " — ", "😀"]), max_size=30).map(" ".join)


def covered(terms: list[str], text: str) -> list[str]:
    return [text[start:end] for start, end in TermCoverage(terms).words(text)]


@pytest.mark.parametrize(
    ("term", "text", "found"),
    [
        ("heart failure", "Congestive Heart Failure.", ["Heart", "Failure"]),
        ("failure of the heart", "heart failure", ["heart", "failure"]),
        ("heart failure", "failure of his heart", ["failure", "heart"]),
        ("heart failure", "No heart. Failure to thrive.", []),
        ("heart failure", "heart rate, failure", []),
        ("oedematous fevers", "edematous fever, OEDEMATOUS FEVERS", ["edematous", "fever", "OEDEMATOUS", "FEVERS"]),
        ("MI", "MI, mi and Mi", ["MI"]),
        ("acute MI", "an acute MI; acute mi", ["acute", "MI"]),
        ("Crohn's disease", "Crohn disease, Crohn's disease", ["Crohn", "disease", "Crohn", "disease"]),
        ("café au lait", "Café-au-lait spots", ["Café", "au", "lait"]),
        ("the of", "the of", []),
        ("", "anything", []),
    ],
)
def test_examples(term: str, text: str, found: list[str]) -> None:
    assert covered([term], text) == found


def test_overlapping_terms_cover_each_word_once() -> None:
    terms = ["acute heart failure", "heart failure", "failure with oedema"]
    assert covered(terms, "acute heart failure with edema") == ["acute", "heart", "failure", "with", "edema"]


def test_terms_longer_than_the_longest_are_left_out() -> None:
    words = [f"w{i}" for i in range(LONGEST + 1)]
    assert covered([" ".join(words)], " ".join(words)) == []
    assert len(covered([" ".join(words[:-1])], " ".join(words))) == LONGEST


@given(TERMS, TEXTS, st.booleans())
def test_same_as_a_search_window_by_window(terms: list[str], text: str, beyond_ascii: bool) -> None:
    text = text + ("" if beyond_ascii else " “")
    found = {tuple(span) for span in TermCoverage(terms).words(text).tolist()}
    assert found == _plain(terms, text)


def _plain(terms: list[str], text: str) -> set[tuple[int, int]]:
    import re
    from collections import Counter

    from icdcoder.text.normal_form import FILLER, normal_form

    shouted = {w for term in terms for w in term.split() if len(w) > 1 and w.isupper()}

    def bag(words: list[str], known: set[str]) -> Counter[str]:
        keys = (w if w in known else normal_form(w) for w in words)
        return Counter(key for key in keys if key not in FILLER)

    bags = [bag(term.split(), shouted) for term in terms]
    found: set[tuple[int, int]] = set()
    starts = [m.span() for m in re.finditer(r"[^\W_]+", text) if normal_form(m[0]) not in FILLER]
    for i in range(len(starts)):
        for j in range(i, min(i + 3, len(starts))):
            between = text[starts[i][0] : starts[j][1]]
            words = [text[s:e] for s, e in starts[i : j + 1]]
            if not re.search(r"[.;:!?]\s", between) and any(b and bag(words, shouted) == b for b in bags):
                found.update(starts[i : j + 1])
    return found
