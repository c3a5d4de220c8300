"""Answers in the shapes that models give them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.knowledge.building.parsing import concepts, description, expressions

WANTED = {"term": ("Hypertension", "High blood pressure"), "abbreviation": ("HTN", "HBP"), "synonym": ("Raised BP",)}

PLAIN = "Medical terms:\nHypertension\nHigh blood pressure\n\nAbbreviations:\nHTN\nHBP\n\nSynonyms:\nRaised BP\n"
MARKDOWN = (
    "Sure! Here are the expressions:\n\n### **Medical Terms**\n- Hypertension\n- **High blood pressure**\n\n"
    "### **Abbreviations:**\n1. HTN (hypertension)\n2) HBP – high blood pressure\n\n**Synonyms**:\n* Raised BP.\n\n"
    "Please note that local usage varies."
)
COMMAS = "**Medical terms**: Hypertension, High blood pressure\n**Abbreviations**: HTN, HBP\n**Synonyms**: Raised BP"
JSON = (
    '```json\n{"medical_terms": ["Hypertension", "High blood pressure"], "abbreviations": ["HTN", "HBP"], '
    '"synonyms": ["Raised BP"]}\n```'
)
REASONING = "<think>Medical terms:\nSepsis?\n</think>\n" + PLAIN


@pytest.mark.parametrize("answer", [PLAIN, MARKDOWN, COMMAS, JSON, REASONING, PLAIN.replace("\n", "\r\n")])
def test_every_shape_gives_the_same(answer: str) -> None:
    assert expressions(answer).expressions == WANTED


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("hypertension", "given twice"),
        ("N/A", "empty"),
        ("- ...", "empty"),
        ("High pressure is bad. It must be treated", "a sentence"),
        ("a b c d e f g h i j k", "too long"),
        ("one | two", "holds a mark of the file's own"),
    ],
)
def test_what_is_left_out_is_counted(line: str, reason: str) -> None:
    found = expressions(f"Medical terms:\nHypertension\n{line}\n")
    assert found.expressions == {"term": ("Hypertension",)}
    assert found.dropped == {reason: 1}


def test_an_abbreviation_has_capitals() -> None:
    found = expressions("Abbreviations:\nHTN\nraised pressure\n")
    assert found.expressions == {"abbreviation": ("HTN",)}
    assert found.dropped == {"no abbreviation": 1}


@pytest.mark.parametrize("answer", ["", "Hypertension is common in adults.", "[1, 2]", "<html></html>", "{}", "```"])
def test_prose_gives_nothing(answer: str) -> None:
    assert expressions(answer).expressions == {}


@given(st.text())
def test_no_text_breaks_it_and_all_that_is_kept_can_be_written(text: str) -> None:
    for kept in expressions("Synonyms:\n" + text).expressions.values():
        assert all(item and not set(item) & set("|\t\n") and item == item.strip() for item in kept)
    description(text)


def test_descriptions() -> None:
    answer = "**Essential hypertension** is raised arterial pressure\nwithout a known cause."
    assert description(answer) == "Essential hypertension is raised arterial pressure without a known cause."
    assert description("I'm sorry, but I can not give medical advice on that subject.") is None
    assert description("Short.") is None
    assert description("<html><body>an error page that is long enough to be one</body></html>") is None


@pytest.mark.parametrize(
    "answer",
    [
        "Concepts:\n- chest pain\n- raised troponin: a test\n",
        "Here are 2 concepts:\n\n1. Chest pain\n2. **raised troponin**\n\nLet me know if you need more.",
        '```json\n["chest pain", "raised troponin"]\n```',
        '{"concepts": ["chest pain", "raised troponin", 3]}',
        "<think>fever?\n</think>chest pain, raised troponin",
    ],
)
def test_concepts_come_in_every_shape(answer: str) -> None:
    found, _ = concepts(answer)
    assert [text.lower() for text in found] == ["chest pain", "raised troponin"]
