"""Words as numbers: whatever way is quicker gives what the slow way gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icdcoder.core.config import build
from icdcoder.core.errors import ConfigError
from icdcoder.text import word_numbers
from icdcoder.text.reader import Ids, Learner, Reader
from icdcoder.text.readers import words as component
from icdcoder.text.readers.words import Config, WordLearner, WordReader
from icdcoder.text.rules import named
from icdcoder.text.vocabulary import Vocabulary

PIECES = st.sampled_from(
    ["pain", "Pain", "PAIN", "12", "1_2", "__", "250mg", "½", "é", "Ⅳ", "İ", "x" * 16, "y" * 17, "\x1c"]
)
TEXTS = st.lists(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=12).map(" ".join)), max_size=8)
ASCII = st.lists(st.text(st.characters(max_codepoint=127), max_size=80), max_size=8)


def learnt(texts: Sequence[str], rule: str = "caml", chunk: int = 3) -> tuple[WordReader, list[list[int]]]:
    """Numbers the texts in chunks, and learns from all of them."""
    learner = WordLearner(build(Config, {"min_documents": 1, "rule": rule}, "text"))
    numbers = learner.numbers()
    drafts = [ids for at in range(0, len(texts), chunk) for ids in numbers.number(texts[at : at + chunk])]
    names = numbers.names().split("\n")
    reader = learner.reader(documents(drafts, names))
    final = learner.final(reader, names)
    return reader, [final[ids].tolist() for ids in drafts]


def documents(drafts: Sequence[Ids], names: Sequence[str]) -> Counter[str]:
    return Counter(names[i] for ids in drafts for i in set(ids.tolist()))


@pytest.mark.parametrize("rule", ["caml", "msmn", "edin", "laat", "raw"])
@settings(deadline=None)
@given(texts=TEXTS | ASCII)
def test_in_bulk_as_one_by_one(rule: str, texts: list[str]) -> None:
    spelt = [named(rule)(text).texts for text in texts]
    reader, numbered = learnt(texts, rule)
    assert reader.vocabulary == Vocabulary.fit(spelt, min_documents=1)
    assert numbered == [reader.vocabulary.encode(found).tolist() for found in spelt]
    assert [ids.tolist() for ids in reader.encode_all(texts)] == numbered
    assert [reader.encode(text).tolist() for text in texts] == numbered


@settings(deadline=None)
@given(texts=TEXTS | ASCII, characters=st.integers(1, 40))
def test_how_many_texts_are_looked_up_together_changes_nothing(texts: list[str], characters: int) -> None:
    together = learnt(texts, "caml")
    with patch.object(word_numbers, "CHARACTERS", characters):
        assert learnt(texts, "caml") == together


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_words_of_notes_it_does_not_learn_from_are_unknown(training: list[str], others: list[str]) -> None:
    learner = WordLearner(Config(min_documents=2))
    numbers = learner.numbers()
    drafts = numbers.number([*training, *others])
    names = numbers.names().split("\n")
    reader = learner.reader(documents(drafts[: len(training)], names))
    final = learner.final(reader, names)
    spelt = [named("caml")(text).texts for text in training]
    assert reader.vocabulary == Vocabulary.fit(spelt, min_documents=2)
    for text, ids in zip([*training, *others], drafts, strict=True):
        assert final[ids].tolist() == reader.encode(text).tolist()


def test_many_words_fill_the_table_and_are_still_told_apart() -> None:
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnop"))
    found = ["".join(rng.choice(letters, size=size)) for size in rng.integers(1, 20, size=60_000)]
    texts = [" ".join(found[at : at + 500]) for at in range(0, len(found), 500)]
    reader, numbered = learnt(texts, chunk=7)
    assert reader.size > 40_000
    assert [reader.vocabulary.words[i] for ids in numbered for i in ids] == found


def test_it_is_a_reader_and_comes_back_from_its_folder(tmp_path: Path) -> None:
    config = Config(min_documents=1)
    learner = component.learner(config)
    assert isinstance(learner, Learner)
    reader = learner.reader(dict.fromkeys(["pain", "and", "fever"], 1))
    assert isinstance(reader, Reader)
    reader.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(reader.files)
    again = component.load(tmp_path, config)
    assert again == reader
    read = again.read("No PAIN.")
    assert read.ids.tolist() == [1, again.vocabulary.number("pain")]
    assert read.offsets.tolist() == [[0, 2], [3, 7]]
    assert again.size == 5


def test_an_unknown_rule_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match="rule"):
        build(Config, {"rule": "camel"}, "text")
