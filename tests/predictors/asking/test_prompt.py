from __future__ import annotations

from pathlib import Path

import pytest

from icdcoder.core.errors import ConfigError
from icdcoder.predictors.asking.prompt import OWN, Prompt

CONCEPT = frozenset({"concept"})


def test_a_prompt_is_cut_where_the_question_begins() -> None:
    prompt = Prompt.parse("Read.\n{note}\nDoes it say {concept}?\n", CONCEPT, "It")
    assert (prompt.before, prompt.after, prompt.question) == ("Read.\n", "\nDoes it say", " {concept}?")
    assert prompt.fill({"concept": "chest {note} pain"}) == " chest {note} pain?"


@pytest.mark.parametrize(
    "text",
    [
        "{concept}?",
        "{note}",
        "{concept} in {note}?",
        "{note} {note} {concept}",
        "{note} {concept} {other}",
        "{note} {concept} {concept}",
    ],
)
def test_a_prompt_without_its_places_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="The prompt x needs {note}, and behind it {concept}"):
        Prompt.parse(text, CONCEPT, "The prompt x")


def test_our_own_prompts_are_whole_and_a_users_file_takes_their_place(tmp_path: Path) -> None:
    for name, places in (("concept", CONCEPT), ("code", frozenset({"findings", "code"}))):
        assert Prompt.load(name, None, places).text == (OWN / f"{name}.txt").read_text(encoding="utf-8").strip()
    file = tmp_path / "mine.txt"
    file.write_text("{note} – {concept}, ja?\n", encoding="utf-8")
    assert Prompt.load("concept", file, CONCEPT).question == " {concept}, ja?"
    with pytest.raises(ConfigError, match="cannot be read"):
        Prompt.load("concept", tmp_path / "none.txt", CONCEPT)
