from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icdcoder.core.errors import ConfigError
from icdcoder.text import rules
from icdcoder.text.tokens import words

NOTE = "12 Admission Date: [**2151-7-16**]\nMr. D'Arcy__x, 64 y.o., took 250mg x 2; ____ Crohn’s disease, café_au 1_2 7"
TEXTS = st.text(st.sampled_from("aA09_ é-İK.,\n½²'x7"), max_size=60)


def edin_as_published(text: str) -> list[str]:
    """The substitutions of Edin et al. one after the other, as they describe them."""
    text = re.sub("[^A-Za-z0-9]+", " ", text.lower())
    text = re.sub(r"(\s\d+)+\s", " ", text)
    return re.sub(r"\s+", " ", text).strip().split()


def transicd_as_published(text: str) -> list[str]:
    """The substitutions of Biswas et al. in their order, with our stop words."""
    snowballstemmer = pytest.importorskip("snowballstemmer")
    stem = snowballstemmer.stemmer("english").stemWord
    tokens = [stem(t) for t in text.lower().translate(rules._PUNCTUATION).split()]
    tokens = [t for t in tokens if not t.isnumeric() and len(t) > 2]
    tokens = [t for t in tokens if t not in rules._STOP_WORDS and t not in rules._HEADING_WORDS]
    text = " ".join(tokens).replace("-", "")
    return re.sub(r"\d", "n", re.sub(r"\d+\s", " ", text)).split()


@settings(deadline=None)
@given(TEXTS)
def test_edin_is_what_the_substitutions_give(text: str) -> None:
    assert rules.edin(text).texts == edin_as_published(text)


@settings(deadline=None)
@given(st.text(st.sampled_from("aing2s09 -.,\n'xd7"), max_size=80))
def test_transicd_is_what_the_substitutions_give(text: str) -> None:
    assert rules.transicd(text).texts == transicd_as_published(text)


@pytest.mark.parametrize("name", [name for name in rules.NAMES if name != "transicd"])
@settings(deadline=None)
@given(text=TEXTS)
def test_offsets_point_at_what_became_the_word(name: str, text: str) -> None:
    tokens = rules.named(name)(text)
    assert len(tokens.texts) == len(tokens.offsets)
    for word, (start, end) in zip(tokens.texts, tokens.offsets, strict=True):
        source = text[start:end]
        assert word == (source if name == "raw" else source.lower().removesuffix("\u0307" if name == "edin" else ""))
    assert (tokens.offsets[1:, 0] >= tokens.offsets[:-1, 1]).all()


@settings(deadline=None)
@given(TEXTS)
def test_offsets_of_stemmed_words_begin_with_the_stem_s_letter(text: str) -> None:
    pytest.importorskip("snowballstemmer")
    tokens = rules.transicd(text)
    for word, (start, end) in zip(tokens.texts, tokens.offsets, strict=True):
        source = text[start:end].lower().lstrip("-")
        assert word[0] == source[0] or (word[0] == "n" and source[0].isdigit())


@pytest.mark.parametrize("name", [name for name in rules.NAMES if name != "transicd"])
@settings(deadline=None)
@given(text=st.one_of(TEXTS, st.text(st.sampled_from("aA09_ -.,\n\x1f'x7"), max_size=30)))
def test_words_without_offsets_are_the_same_words(name: str, text: str) -> None:
    assert rules.spelt(name)(text) == rules.named(name)(text).texts


def test_the_rules_differ_where_the_papers_do() -> None:
    assert rules.caml(NOTE).texts == words(NOTE).texts
    assert {"d", "arcy__x", "250mg", "____", "café_au", "1_2"} <= set(rules.caml(NOTE).texts)
    assert set(rules.caml(NOTE).texts) - set(rules.laat(NOTE).texts) == {"____", "1_2"}
    assert rules.edin(NOTE).texts[0] == "12"
    assert rules.edin(NOTE).texts[-1] == "7"
    assert {"caf", "au", "arcy", "x"} <= set(rules.edin(NOTE).texts)
    assert "2151" not in rules.edin(NOTE).texts
    assert rules.raw(NOTE).texts == NOTE.split()


def test_stems_and_stop_words_of_transicd() -> None:
    pytest.importorskip("snowballstemmer")
    got = rules.transicd("Admission Date: patients were admitted with follow-up of L4-L5 stenosis b12 and 250mg doses")
    assert got.texts == ["admiss", "admit", "followup", "lnl", "stenosi", "b", "nnnmg", "dose"]


def test_unknown_rules_are_sentences() -> None:
    assert rules.named("words") is rules.caml
    with pytest.raises(ConfigError, match="Did you mean 'edin'"):
        rules.named("eden")
