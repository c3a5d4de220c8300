"""The vocabulary: order, numbers, and its file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.core.errors import ArtefactError, InputError
from icdcoder.text.vocabulary import PADDING, UNKNOWN, Vocabulary

NOTES = [["pain", "pain", "fever"], ["fever", "chills"], ["fever", "pain"], ["rash"]]
WORDS = st.text(alphabet="abcé_\u2028\x85", min_size=1, max_size=4)


def test_words_stand_by_number_of_notes_then_by_letter() -> None:
    assert Vocabulary.fit(NOTES, min_documents=1).words == (PADDING, UNKNOWN, "fever", "pain", "chills", "rash")


def test_rare_words_are_left_out() -> None:
    # "pain" stands three times, but in two notes.
    assert Vocabulary.fit(NOTES, min_documents=2).words == (PADDING, UNKNOWN, "fever", "pain")
    assert Vocabulary.fit(NOTES).words == (PADDING, UNKNOWN, "fever")


def test_encoding() -> None:
    encoded = Vocabulary.fit(NOTES, min_documents=2).encode(["pain", "gout", "fever", "pain"])
    assert encoded.tolist() == [3, 1, 2, 3]
    assert encoded.dtype == "int32"


def test_a_word_cannot_stand_twice() -> None:
    with pytest.raises(InputError, match="twice"):
        Vocabulary(["pain", "pain"])


@given(st.lists(WORDS, unique=True, max_size=20))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    path = tmp_path_factory.mktemp("vocabulary") / "vocabulary.txt"
    vocabulary = Vocabulary(words)
    vocabulary.save(path)
    assert Vocabulary.load(path) == vocabulary
    assert Vocabulary.load(path).digest == vocabulary.digest


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.txt"
    with pytest.raises(ArtefactError, match="missing"):
        Vocabulary.load(path)
    Vocabulary(["pain", "fever"]).save(path)
    whole = path.read_text(encoding="utf-8")
    for damaged, message in (
        (whole.replace("fever", "fewer"), "damaged"),
        (whole.replace("fever", "pain"), "damaged"),
        (whole[:-8], "damaged"),
        ("", "not a vocabulary"),
        ("pain\nfever\n", "not a vocabulary"),
    ):
        path.write_text(damaged, encoding="utf-8")
        with pytest.raises(ArtefactError, match=message):
            Vocabulary.load(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ArtefactError, match="not a vocabulary"):
        Vocabulary.load(path)


def test_a_note_that_spells_padding_has_an_unknown_word() -> None:
    vocabulary = Vocabulary.fit([[PADDING, UNKNOWN, "pain"]], min_documents=1)
    assert vocabulary.words == (PADDING, UNKNOWN, "pain")
    assert vocabulary.encode([PADDING, "pain", UNKNOWN]).tolist() == [1, 2, 1]
