"""Knowledge-driven sampling keeps the budget, reads where the terms stand, and says what it leaves out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.core.errors import ArtefactError
from icdcoder.text.knowledge_sample import FILE, KnowledgeSampler, OracleSampler
from icdcoder.text.sample import Sampled
from icdcoder.text.tokens import words

NOTE = """Social History:
Lives alone and works in a bakery in town.

Past Medical History:
Hypertension, heart failure.

Hospital Course:
He was brought in by his sister on Sunday after lunch at home.

Heart failure was treated, and hypertension as well, with good effect on heart failure.

Plan:
Hypertension.
"""
TERMS = ["heart failure", "hypertension"]
TEXTS = st.lists(
    st.sampled_from(["heart failure", "fever", "Plan:", "\n", "\n\n", "Hospital Course:", "bed", ".", "1"]), max_size=60
).map(" ".join)


def kept(found: Sampled, text: str) -> str:
    tokens = words(text)
    return " ".join(text[start:end] for start, end in tokens.offsets[found.kept])


def test_a_note_within_the_budget_is_read_whole() -> None:
    tokens = words(NOTE)
    found = KnowledgeSampler(TERMS)(tokens, len(tokens), NOTE)
    assert len(found.kept) == len(tokens)
    assert found.left_unread == ()


def test_the_section_that_says_most_comes_first() -> None:
    # Hospital Course holds 5 telling tokens, Past Medical History 3, Plan 1: the budget of 10 lets one section in.
    found = KnowledgeSampler(TERMS)(words(NOTE), 10, NOTE)
    assert kept(found, NOTE) == "Heart failure was treated and hypertension as well with good"


def test_without_paragraphs_a_section_is_read_from_its_beginning() -> None:
    found = KnowledgeSampler(TERMS, paragraphs=False)(words(NOTE), 10, NOTE)
    assert kept(found, NOTE) == "Hospital Course He was brought in by his sister on"


def test_of_the_chosen_sections_the_denser_is_read_whole() -> None:
    # 35 tokens need Hospital Course (29 tokens) and, by N, Past Medical History (6 tokens), whose share p is larger.
    tokens = words(NOTE)
    found = KnowledgeSampler(TERMS, paragraphs=False)(tokens, 20, NOTE)
    assert kept(found, NOTE).startswith("Hospital Course")
    found = KnowledgeSampler(TERMS, paragraphs=False)(tokens, 32, NOTE)
    assert kept(found, NOTE).startswith("Past Medical History Hypertension heart failure Hospital Course")
    assert len(found.kept) == 32


def test_what_is_left_out_is_named() -> None:
    found = KnowledgeSampler(TERMS)(words(NOTE), 10, NOTE)
    left = [NOTE[span.start : span.end] for span in found.left_unread]
    assert left[0].startswith("Social History")
    assert left[-1].endswith("Hypertension")
    assert all("budget of 10 tokens" in span.reason for span in found.left_unread)


def test_without_any_term_the_beginning_is_read() -> None:
    found = KnowledgeSampler([])(words(NOTE), 7, NOTE)
    assert kept(found, NOTE) == "Social History Lives alone and works in"


@given(TEXTS, st.integers(1, 40), st.booleans())
def test_the_budget_is_filled_and_all_else_is_named(text: str, budget: int, paragraphs: bool) -> None:
    tokens = words(text)
    found = KnowledgeSampler(TERMS, paragraphs=paragraphs)(tokens, budget, text)
    assert len(found.kept) == min(budget, len(tokens))
    assert (np.diff(found.kept) > 0).all()
    left = {i for i, (s, e) in enumerate(tokens.offsets) if any(x.start <= s and e <= x.end for x in found.left_unread)}
    assert left == set(range(len(tokens))) - set(found.kept.tolist())


def test_a_token_that_is_a_piece_of_a_telling_word_tells() -> None:
    text = "Plan: bed\n\nfeverish fevers"

    class Pieces:
        offsets = np.array([[0, 4], [6, 9], [11, 14], [14, 19], [20, 23], [23, 26]], dtype=np.int32)

        def __len__(self) -> int:
            return 6

    assert KnowledgeSampler(["fever"])(Pieces(), 4, text).kept.tolist() == [2, 3, 4, 5]
    assert KnowledgeSampler(["feverish"])(Pieces(), 4, text).kept.tolist() == [2, 3, 4, 5]


def test_the_terms_travel_with_the_coder(tmp_path: Path) -> None:
    sampler = KnowledgeSampler(["heart  failure", "MI", "MI"])
    sampler.save(tmp_path)
    assert (tmp_path / FILE).read_text() == "heart failure\nMI\n"
    again = KnowledgeSampler.load(tmp_path)
    assert again(words(NOTE), 10, NOTE).kept.tolist() == sampler(words(NOTE), 10, NOTE).kept.tolist()
    assert again.files == (FILE,)


def test_missing_and_damaged_terms_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="missing from"):
        KnowledgeSampler.load(tmp_path)
    (tmp_path / FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(ArtefactError, match="not a list of terms"):
        KnowledgeSampler.load(tmp_path)


def test_the_oracle_reads_for_the_gold_codes_and_says_so() -> None:
    oracle = OracleSampler({"I10": ["hypertension"], "Z60.2": ["lives alone"]})
    found = oracle(words(NOTE), 4, NOTE, ["Z60.2", "unknown"])
    assert "Lives alone" in kept(found, NOTE)
    assert all("oracle" in span.reason for span in found.left_unread)
    other = kept(oracle(words(NOTE), 4, NOTE, ["I10"]), NOTE)
    assert "ypertension" in other
    assert "alone" not in other
    assert oracle(words(NOTE), 1000, NOTE, []).left_unread == ()
    assert len(oracle(words(NOTE), 3, NOTE, []).kept) == 3
