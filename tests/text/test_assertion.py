"""The status of mentions, on sentences written for it, and its independence of where in a note they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.text.assertion import Assertion, Assertions
from icdcoder.text.sections import split

MARK = re.compile(r"\[([^|\]]+)\|(\w+)\]")


def _sentences() -> list[str]:
    lines = (Path(__file__).parent / "assertion_sentences.txt").read_text(encoding="utf-8")
    blocks = re.sub(r"^#.*$", "", lines, flags=re.MULTILINE)
    # A line that begins in small letters goes on with the one before.
    return [line for line in re.split(r"\n+(?![a-z])", blocks) if line.strip()]


def _unmarked(marked: str) -> tuple[str, list[tuple[int, int, str]]]:
    """The sentence without its marks, and (start, end, status) of each mention."""
    text, mentions, copied = "", [], 0
    for match in MARK.finditer(marked):
        text += marked[copied : match.start()]
        mentions.append((len(text), len(text) + len(match[1]), match[2]))
        text += match[1]
        copied = match.end()
    return text + marked[copied:], mentions


def test_there_are_enough_sentences() -> None:
    assert len(_sentences()) >= 100


@pytest.mark.parametrize("marked", _sentences())
def test_status(marked: str) -> None:
    text, mentions = _unmarked(marked)
    assertions = Assertions(text)
    assert [(text[s:e], assertions.of(s, e).status) for s, e, _ in mentions] == [(text[s:e], x) for s, e, x in mentions]


@pytest.mark.parametrize("marked", _sentences())
def test_the_rest_of_the_note_changes_nothing(marked: str) -> None:
    before, after = "1. No cough, no fever\n2. History of asthma\n\n", "\n\nDenies pain.\n3. Father had gout\n"
    text, mentions = _unmarked(marked)
    assertions = Assertions(before + text + after)
    found = [assertions.of(s + len(before), e + len(before)).status for s, e, _ in mentions]
    assert found == [status for _, _, status in mentions]


def test_the_trigger_is_named() -> None:
    text = "There is no evidence of pneumonia."
    found = Assertions(text).of(24, 33)
    assert found.trigger is not None
    assert text[slice(*found.trigger)] == "no evidence of"


def test_an_affirmed_mention_has_no_trigger() -> None:
    assert Assertions("pneumonia").of(0, 9) == Assertion("affirmed", None)


NOTE = """PAST MEDICAL HISTORY:
1. Hypertension
2. Type 2 diabetes

PAST SURGICAL HISTORY: Appendectomy.

FAMILY HISTORY:
Lung cancer, possible stroke. No colon cancer.

ASSESSMENT: Pneumonia
"""


@pytest.mark.parametrize(
    ("words", "with_sections", "without"),
    [
        ("Hypertension", "affirmed", "affirmed"),
        ("Type 2 diabetes", "affirmed", "affirmed"),
        ("Appendectomy", "historical", "affirmed"),
        ("stroke", "family", "uncertain"),
        ("colon cancer", "negated", "negated"),
        ("Pneumonia", "affirmed", "affirmed"),
    ],
)
def test_sections_give_a_status(words: str, with_sections: str, without: str) -> None:
    start = NOTE.index(words)
    assert Assertions(NOTE, split(NOTE)).of(start, start + len(words)).status == with_sections
    assert Assertions(NOTE).of(start, start + len(words)).status == without


def test_the_heading_is_the_trigger_of_a_section() -> None:
    start = NOTE.index("Lung cancer")
    trigger = Assertions(NOTE, split(NOTE)).of(start, start + 11).trigger
    assert trigger is not None
    assert NOTE[slice(*trigger)].strip() == "FAMILY HISTORY:"


def test_a_heading_says_nothing_of_its_section() -> None:
    text = "HISTORY OF ILLNESS: gout"
    assert Assertions(text).of(20, 24).status == "historical"
    assert Assertions(text, split(text)).of(20, 24).status == "affirmed"


@pytest.mark.parametrize(("title", "status"), [("Tobacco use", "negated"), ("Alcohol", "negated"), ("Gout", "negated")])
def test_a_heading_that_asks_is_answered_in_its_section(title: str, status: str) -> None:
    text = f"SOCIAL HISTORY: lives alone\n{title}: never"
    at = text.index(title)
    assert Assertions(text, split(text)).of(at, at + len(title)).status == status


@given(st.text(alphabet="no fever if.,;:?\n-HISTORY of()", max_size=300), st.data())
def test_any_text_and_any_span_has_a_status(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    found = Assertions(text, split(text)).of(start, end)
    if found.trigger is None:
        assert found.status == "affirmed"
    else:
        assert 0 <= found.trigger[0] < found.trigger[1] <= len(text)


@pytest.mark.parametrize("piece", ["history of ", "no ", "no, ", "if possible no but ", "a", " ", "?", "mother "])
def test_long_text_without_an_end_of_a_sentence_is_read(piece: str) -> None:
    text = piece * (200_000 // len(piece)) + "\n\nDenies cough."
    assert Assertions(text).of(len(text) - 6, len(text) - 1).status == "negated"
