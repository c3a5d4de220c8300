"""The trie of answers: what is written can be read, nothing else can be written, whatever the tokenizer merges."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError
from icdcoder.core.label_space import LabelSpace
from icdcoder.nn.writing.label_trie import ROOT, LabelTrie
from icdcoder.text.prompting.formats import NUMBERS, AnswerFormat

CODES = ["I10", "I10.1", "I1", "E11.9", "250.00", "25.0"]
END = 0


def letters(text: str) -> list[int]:
    return [ord(letter) for letter in text]


def greedy_pairs(text: str) -> list[int]:
    """A tokenizer that merges two letters wherever it can, across the mark too."""
    pairs = [text[i : i + 2] for i in range(0, len(text), 2)]
    return [1000 * ord(pair[0]) + (ord(pair[1]) if len(pair) > 1 else 0) for pair in pairs]


def trie_of(codes: list[str], encode: Any = letters) -> LabelTrie:
    return LabelTrie.build(codes, encode, END)


LISTS = st.lists(st.integers(0, len(CODES) - 1), unique=True)


@pytest.mark.parametrize("encode", [letters, greedy_pairs])
@settings(deadline=None)
@given(listed=LISTS)
def test_what_is_written_can_be_read(encode: Any, listed: list[int]) -> None:
    trie = trie_of(CODES, encode)
    assert trie.read(trie.answer(listed)) == listed


@pytest.mark.parametrize("encode", [letters, greedy_pairs])
@settings(deadline=None)
@given(data=st.data())
def test_whatever_is_allowed_ends_in_a_list_of_different_codes(encode: Any, data: st.DataObject) -> None:
    trie, said = trie_of(CODES, encode), []
    while allowed := trie.allowed(said):
        assert allowed == sorted(set(allowed))
        said.append(data.draw(st.sampled_from(allowed)))
        assert trie.read(said) is not None
    listed = trie.read(said)
    assert listed is not None
    assert trie.answer(listed) == said
    assert len(set(listed)) == len(listed)


@settings(deadline=None)
@given(listed=LISTS, place=st.integers(0, 30))
def test_each_token_of_an_answer_is_allowed_after_those_before_it(listed: list[int], place: int) -> None:
    trie = trie_of(CODES)
    answer = trie.answer(listed)
    place = min(place, len(answer) - 1)
    assert answer[place] in trie.allowed(answer[:place])


@pytest.mark.parametrize(
    "wrong",
    [
        [*letters("I10;I10;"), END],
        letters("I11;"),
        letters("I10;none;"),
        letters("none;I10;"),
        [END],
        [*letters("I10;"), END, ord("I")],
    ],
)
def test_what_is_no_answer_is_not_read(wrong: list[int]) -> None:
    trie = trie_of(CODES)
    assert trie.read(wrong) is None
    assert trie.allowed(wrong) == []


def test_no_code_is_an_answer() -> None:
    trie = trie_of(CODES)
    assert trie.answer([]) == [*letters("none;"), END]
    assert trie.allowed(letters("none;")) == [END]
    assert END not in trie.allowed([])


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_tiles_ask_at_every_branching_once_and_bring_what_is_above(size: int) -> None:
    trie = trie_of(CODES)
    asked: list[int] = []
    for tile in trie.tiles(size):
        assert len(tile.own) <= size
        own = tile.nodes[tile.own].tolist()
        asked += own
        for i, node in enumerate(tile.nodes):
            above = tile.nodes[tile.ancestors[i]].tolist()
            assert len(above) == trie.depths[node]
            assert node in above
            assert {int(trie.parents[n]) for n in above} == {ROOT, *above} - {int(node)}
    assert len(asked) == len(set(asked))
    assert set(trie.branching.tolist()) - {ROOT} <= set(asked)


def test_a_large_space_needs_its_branchings_and_not_its_tokens() -> None:
    codes = [f"{a}{b:02d}.{c}" for a in "ABCDE" for b in range(40) for c in range(8)]
    trie = trie_of(codes)
    read = sum(len(tile.own) for tile in trie.tiles(10_000))
    assert read == 5 + 20 + 200 + 200  # letters, tens, units, dots
    assert sum(map(len, trie.paths)) > 20 * read


@pytest.mark.parametrize("kind", ["t5", "llama", "roberta"])
@pytest.mark.parametrize("number", NUMBERS)
def test_answers_of_tokenizers_are_parsed(tiny_models: ModuleType, kind: str, number: int) -> None:
    """The tokenizer's own text of an answer names the codes for a reader who knows nothing of the trie."""
    from tokenizers import decoders

    cut = tiny_models.tokenizer(kind)
    if kind == "llama":
        cut.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    if kind == "roberta":
        cut.decoder = decoders.ByteLevel()
    space = LabelSpace(Code("icd9cm", value) for value in ("112.1", "112.12", "212.2", "221"))
    titles = dict(zip(space, ["Acute disease", "Chronic", "No fever", "Chest pain"], strict=True))
    written = AnswerFormat(number, space, titles)
    trie = LabelTrie.build(written.items, lambda text: cut.encode(text, add_special_tokens=False).ids, 1)
    rng = np.random.default_rng(0)
    for size in range(len(space) + 1):
        listed = rng.permutation(len(space))[:size].tolist()
        parsed = written.parse(cut.decode(trie.answer(listed)[:-1]))
        assert [space.index(code) for code in parsed.codes] == listed
        assert not parsed.prose
        assert not parsed.outside


def test_codes_that_a_tokenizer_writes_alike_are_refused() -> None:
    with pytest.raises(ConfigError, match="'I10' and 'I11' alike"):
        trie_of(["I10", "I11"], lambda text: [1 if letter in "01" else 2 for letter in text])


def test_a_code_that_begins_another_in_tokens_is_refused() -> None:
    with pytest.raises(ConfigError, match="alike"):
        trie_of(["a", "b"], lambda text: {"a;": [1, 2], "b;": [1, 2, 3], "none;": [4]}[text])


def test_ready_paths_are_looked_at_too() -> None:
    with pytest.raises(ConfigError, match="'code 1' and 'code 3' alike"):
        LabelTrie([(1, 2), (3,), (1, 2, 3), (0,), (4,)])


def test_an_empty_space_is_refused() -> None:
    with pytest.raises(ConfigError, match="no code"):
        trie_of([])
