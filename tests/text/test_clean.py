"""Cleaning moves no character without the map knowing it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from icdcoder.core.note import Note
from icdcoder.text.clean import Cleaned, clean

# Much of what cleaning looks for, among plain letters.
TEXTS = st.text(
    alphabet=st.one_of(
        st.sampled_from("ab \n\r\t\u00a0\u200b\ufeff\u00adﬁﬄ…“”’–e\u0301\u0327\x00\x0c[*]"), st.characters()
    ),
    max_size=60,
)


def cleaned(text: str, *, keep: bool = True) -> Cleaned:
    return clean(Note("n", text), keep_deidentification_marks=keep)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("a\tb\u00a0c\u2009d", "a b c d"),
        ("hyper\u00adtension\u200b \ufeffok", "hypertension ok"),
        ("ﬁbrillation, aﬄux", "fibrillation, afflux"),
        ("“pain” isn’t 5′", "\"pain\" isn't 5'"),
        ("T1–T2 — −3", "T1-T2 - -3"),
        ("Me\u0301nie\u0300re", "Ménière"),
        ("a\x00b\x0cc", "a b\nc"),
        ("wait… then", "wait... then"),
        ("[**Hospital 1**] on [**2101-1-1**]", "[**Hospital 1**] on [**2101-1-1**]"),
        ("", ""),
    ],
)
def test_one_spelling(text: str, expected: str) -> None:
    assert cleaned(text).text == expected


def test_deidentification_marks_can_be_blanked() -> None:
    text = "seen by [**First Name\nLast Name**]\r\nin pain [** open"
    found = cleaned(text, keep=False)
    assert found.text == "seen by  \nin pain [** open"
    start = found.text.index("pain")
    assert text[slice(*found.to_source(start, start + 4))] == "pain"


@given(TEXTS, st.booleans(), st.data())
@example("a\r\n\u200b\u200bﬁb", True, None)
def test_a_mapped_span_re_reads_the_same_characters(text: str, keep: bool, data: st.DataObject | None) -> None:
    found = cleaned(text, keep=keep)
    size = len(found.text)
    start = data.draw(st.integers(0, size)) if data else 2
    end = data.draw(st.integers(start, size)) if data else size
    first, last = found.to_source(start, end)
    assert 0 <= first <= last <= len(text)
    # A span that cuts an edit grows over the whole of it, so it may read more, never less.
    assert found.text[start:end] in cleaned(text[first:last], keep=keep).text


@given(TEXTS, st.data())
def test_a_span_that_cuts_no_edit_re_reads_exactly_itself(text: str, data: st.DataObject) -> None:
    found = cleaned(text)
    inside = {at for start, end in found.offsets.cleaned.tolist() for at in range(start + 1, end)}
    places = [at for at in range(len(found.text) + 1) if at not in inside]
    start, end = sorted((data.draw(st.sampled_from(places)), data.draw(st.sampled_from(places))))
    first, last = found.to_source(start, end)
    assert cleaned(text[first:last]).text == found.text[start:end] or start == end


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=200), st.data())
def test_plain_text_is_left_alone(text: str, data: st.DataObject) -> None:
    note = Note("n", text)
    found = clean(note)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert found.note is note
    assert found.to_source(start, end) == (start, end)


def test_characters_of_no_width_are_not_taken_into_a_span() -> None:
    text = "\u200bpain\u200b\u200b, none"
    assert cleaned(text).to_source(0, 4) == (1, 5)


def test_patient_text_is_not_in_the_repr() -> None:
    assert "secret" not in repr(cleaned("secret\r\ntext"))


def test_a_long_note_with_many_edits() -> None:
    text = "He denies\r\npain… “none”\r\n" * 40_000
    found = cleaned(text)
    start = found.text.rindex("pain")
    assert text[slice(*found.to_source(start, start + 4))] == "pain"
    assert found.to_source(start, start + 4)[0] == text.rindex("pain")
