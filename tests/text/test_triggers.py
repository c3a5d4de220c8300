"""The table of triggers is sound, and phrases are found as it says."""

from __future__ import annotations

from importlib.resources import files

import pytest

from icdcoder.text.triggers import Triggers, read_phrases, triggers

TABLE = "\n".join(
    (
        "set\trelative\t-\tmother|father",
        "negated\tforward\tsentence\tno|no evidence of",
        "negated\tbackward\tclause\t: no<end>",
        "uncertain\tforward\t3\t<start>?",
        "uncertain\tbackward\tclause\t?<end>",
        "historical\tbackward\tclause\tin <year>|<number> years ago",
        "family\tforward\tsentence\t{relative} had",
        "pseudo\t-\t-\tno increase in",
    )
)


def found(text: str, start: int = 0, end: int | None = None) -> list[tuple[str, str]]:
    hits = Triggers(read_phrases(TABLE)).find(text, start, end)
    return [(text[hit.start : hit.end], hit.senses[0].kind) for hit in hits]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No evidence\n of pain", [("No evidence\n of", "negated")]),
        ("no, none, nobody", [("no", "negated")]),
        ("no increase in size, no pain", [("no", "negated")]),
        ("fever: no. rash: no itch", [(": no", "negated"), ("no", "negated")]),
        ("?gout or gout? perhaps", [("?", "uncertain")]),
        ("is it gout?", [("?", "uncertain")]),
        ("in 2004, in 204, 3 years ago", [("in 2004", "historical"), ("3 years ago", "historical")]),
        ("Mother had, brother had", [("Mother had", "family")]),
    ],
)
def test_phrases(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


def test_a_phrase_does_not_leave_its_sentence() -> None:
    assert found("no evidence of", 0, 3) == [("no", "negated")]
    assert found("no evidence of", 3) == []


def test_what_stands_around_a_sentence_tells_whether_words_begin_and_statements_end() -> None:
    assert found("x?gout", 1) == []
    assert found("x ?gout", 2) == [("?", "uncertain")]
    assert found("fever: no more", 0, 9) == [("no", "negated")]
    assert found("fever: no\n\nmore", 0, 9) == [(": no", "negated")]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("denied\tforward\tclause\tno", "no kind of trigger 'denied'"),
        ("negated\tupward\tclause\tno", "'upward'"),
        ("negated\tforward\tpage\tno", "'page'"),
        ("negated\tforward\tclause\tno\npseudo\t-\t-\tno", "pseudo-trigger"),
    ],
)
def test_a_wrong_row_is_named(row: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_phrases(row)


def test_the_data_file_is_read_whole() -> None:
    phrases = read_phrases((files("icdcoder.text") / "data" / "assertion_triggers.tsv").read_text(encoding="utf-8"))
    assert all(phrase == phrase.strip() and "{" not in phrase for phrase in phrases)
    assert {sense.kind for senses in phrases.values() for sense in senses} >= {"negated", "family", "pseudo", "end"}
    doubled = [phrase for phrase, senses in phrases.items() if len(set(senses)) < len(senses)]
    assert not doubled


def test_every_phrase_of_the_data_file_finds_itself() -> None:
    table = (files("icdcoder.text") / "data" / "assertion_triggers.tsv").read_text(encoding="utf-8")
    lost = []
    for phrase, senses in read_phrases(table).items():
        if senses[0].kind == "pseudo":
            continue
        text = phrase.replace("<start>", "").replace("<end>", "").replace("<year>", "1999").replace("<number>", "7")
        hits = list(triggers().find(text))
        if [(hit.start, hit.end) for hit in hits] != [(0, len(text))]:
            lost.append(phrase)
    assert not lost
