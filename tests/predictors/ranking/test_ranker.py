from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from icdcoder.core.code import Code
from icdcoder.core.errors import ArtefactError
from icdcoder.core.note import Note
from icdcoder.predictors import lexicon
from icdcoder.predictors.dictionary.candidates.features import NAMES
from icdcoder.predictors.ranking.boosting import Boosting
from icdcoder.predictors.ranking.descriptions import Rarity
from icdcoder.predictors.ranking.fitting import fit, gather, grow
from icdcoder.predictors.ranking.habits import Coded
from icdcoder.predictors.ranking.ranker import Ranker, Rows, held_back, second_look
from icdcoder.predictors.ranking.reading import rarity, read


def rows(**features: list[float]) -> Rows:
    count = len(next(iter(features.values())))
    values = np.zeros((count, len(NAMES)), dtype=np.float32)
    for name, column in features.items():
        values[:, NAMES.index(name)] = column
    return Rows([Code("icd9cm", f"78{i}.0") for i in range(count)], values, [[] for _ in range(count)])


def test_what_no_mention_affirms_stays_below_any_threshold() -> None:
    given = rows(score=[0.5, 0.5, 0.5], status_affirmed=[1.0, 0.0, 0.0], status_historical=[0.0, 0.5, 0.0])
    held = held_back(given, np.array([0.9, 0.8, 0.7]), NAMES)
    np.testing.assert_allclose(held, [0.9, 0.8, 0.1], atol=1e-6)


def test_what_a_more_specific_candidate_says_stays_below_too() -> None:
    given = rows(score=[0.9, 0.2], status_affirmed=[1.0, 1.0])
    np.testing.assert_allclose(held_back(given, np.array([0.6, 0.9]), NAMES), [0.6, 0.04], atol=1e-6)


def test_nothing_is_made_likelier_by_holding_back() -> None:
    given = rows(score=[0.9], status_affirmed=[0.0])
    np.testing.assert_allclose(held_back(given, np.array([0.1]), NAMES), [0.1])


def test_a_note_without_candidates_has_none() -> None:
    empty = Rows([], np.zeros((0, len(NAMES)), np.float32), [])
    assert len(second_look(empty, np.zeros(0), None)) == 0
    assert len(held_back(empty, np.zeros(0), NAMES)) == 0


SAID = {"591": "hydronephrosis", "486": "pneumonia", "786.2": "cough", "599.0": "urinary tract infection"}


@pytest.fixture(scope="module")
def corpus() -> list[Coded]:
    """The second of two conditions is never coded: the ranker has to learn it from the place."""
    coder = lexicon.build(lexicon.Config(system="icd9cm", edition="2007"))
    names = list(SAID)
    notes = []
    for i in range(80):
        first, second = names[i % 4], names[(i + 1 + i // 4 % 3) % 4]
        text = f"IMPRESSION: {SAID[first]} number {i}. {SAID[second]}."
        notes.append(Coded(read(Note(str(i), text), coder), frozenset({Code("icd9cm", first)}), None))
    return notes


@pytest.fixture(scope="module")
def rare() -> Rarity:
    return rarity(lexicon.build(lexicon.Config(system="icd9cm", edition="2007")))


@pytest.mark.parametrize("habits", [True, False])
def test_a_habit_of_coding_is_learnt_and_kept_in_arrays(corpus: list[Coded], rare: Rarity, habits: bool) -> None:
    how = Boosting(trees=30, depth=3, rate=0.3)
    fitted = fit(corpus, [note.read.note.id for note in corpus], habits=habits, rarity=rare, how=how)
    best = [codes[int(np.argmax(p))] for codes, p in zip(fitted.codes, fitted.probabilities, strict=True)]
    assert sum(code in note.codes for code, note in zip(best, corpus, strict=True)) > 70
    again = Ranker.of(fitted.ranker.arrays(), fitted.ranker.card())
    for ranker in (fitted.ranker, again):
        _, probabilities = ranker.rank(corpus[0].read)
        np.testing.assert_array_equal(probabilities, fitted.ranker.rank(corpus[0].read)[1])


def test_a_ranker_of_features_that_are_gone_is_refused(corpus: list[Coded]) -> None:
    ranker = fit(corpus, [str(i) for i in range(len(corpus))], habits=False, how=Boosting(trees=2)).ranker
    card = ranker.card()
    card["names"] = ["source_of_old", *card["names"][1:]]
    with pytest.raises(ArtefactError, match=r"'source_of_old'.*[Ff]it it again"):
        Ranker.of(ranker.arrays(), card)


def test_right_says_which_candidates_count(corpus: list[Coded]) -> None:
    fitted = fit(corpus, [n.read.note.id for n in corpus], habits=False, right=lambda *_: False, how=Boosting(trees=5))
    assert max(p.max(initial=0) for p in fitted.probabilities) < 0.05


def test_where_sets_are_counted_their_decision_is_kept(corpus: list[Coded]) -> None:
    groups = [note.read.note.id for note in corpus]
    ranker = fit(corpus, groups, habits=True, how=Boosting(trees=4, depth=2)).ranker
    assert ranker.together is not None
    again = Ranker.of(ranker.arrays(), ranker.card())
    np.testing.assert_array_equal(again.rank(corpus[1].read)[1], ranker.rank(corpus[1].read)[1])


def test_a_corpus_that_repeats_no_set_decides_code_by_code(corpus: list[Coded]) -> None:
    own = [replace(n, codes=n.codes | {Code("icd9cm", f"E{800 + i}.0")}) for i, n in enumerate(corpus)]
    fitted = fit(own, [n.read.note.id for n in own], habits=True, how=Boosting(trees=4, depth=2))
    assert fitted.ranker.together is None
    assert not fitted.ranker.habits.sets.frequent  # type: ignore[union-attr]


def test_trees_do_not_see_what_is_not_to_be_used(corpus: list[Coded]) -> None:
    groups = [note.read.note.id for note in corpus]
    gathered = gather(corpus, groups, habits=False)
    ranker = grow(gathered, how=Boosting(trees=6), unused=gathered.names).ranker
    split = np.isfinite(ranker.first.threshold)
    assert not split.any()
    assert np.isfinite(ranker.second.threshold).any()


def test_a_ranker_of_other_habits_is_refused(corpus: list[Coded]) -> None:
    ranker = fit(corpus, [str(i) for i in range(len(corpus))], habits=True, how=Boosting(trees=2)).ranker
    card = ranker.card()
    del card["habits"]["names"]
    with pytest.raises(ArtefactError, match=r"habits.*[Ff]it it again"):
        Ranker.of(ranker.arrays(), card)
