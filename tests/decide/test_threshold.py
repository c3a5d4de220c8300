from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icdcoder.core.errors import ArtefactError, ConfigError, InputError
from icdcoder.decide.threshold import Threshold, choose, collapse, fixed

GOLD = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]], dtype=np.bool_)
PROBABILITIES = np.array([[0.30, 0.10, 0.02], [0.20, 0.04, 0.06], [0.01, 0.0, 0.03]])


def micro_f1(gold: np.ndarray, accepted: np.ndarray) -> float:
    return 2 * (gold & accepted).sum() / (gold.sum() + accepted.sum())


def macro_f1(gold: np.ndarray, accepted: np.ndarray) -> float:
    size = gold.sum(0) + accepted.sum(0)
    return float(np.mean(2 * (gold & accepted).sum(0) / np.maximum(size, 1)))


def test_by_hand() -> None:
    # The two highest pairs are gold: F1 4/5. Down to the third gold pair, 0.04: 6/(3 + 5) = 3/4.
    found = choose(GOLD, PROBABILITIES)
    assert found.value == pytest.approx(0.15)
    assert found.score == pytest.approx(4 / 5)
    assert (found.metric, found.split, found.warnings) == ("micro_f1", "validation", ())


@settings(deadline=None)
@given(st.integers(0, 100_000), st.sampled_from([np.float16, np.float32, np.float64]), st.sampled_from([1, 2, 9]))
def test_no_threshold_is_better_and_the_score_is_what_accepting_gives(seed: int, dtype: type, digits: int) -> None:
    rng = np.random.default_rng(seed)
    gold = rng.random((7, 6)) < 0.4
    gold[0, 0] = True
    probabilities = np.round(rng.random((7, 6)), digits).astype(dtype)
    found = choose(gold, probabilities)
    assert micro_f1(gold, found.accept(probabilities)) == pytest.approx(found.score)
    best = max(micro_f1(gold, probabilities > t) for t in [0.0, *probabilities.ravel()])
    assert found.score == pytest.approx(best)
    # A threshold belongs to the numbers' own precision, so that a single probability is judged as the matrix was.
    assert float(dtype(found.value)) == found.value
    assert [bool(p > found.value) for p in probabilities.ravel()] == found.accept(probabilities).ravel().tolist()


def test_neighbouring_floats_are_told_apart() -> None:
    low = np.float32(0.7)
    high = np.nextafter(low, np.float32(1))
    found = choose(np.array([[True, False]]), np.array([[high, low]]))
    assert found.score == 1.0
    assert found.accept(np.array([[high, low]])).tolist() == [[True, False]]


def test_of_equally_good_thresholds_the_highest_is_taken() -> None:
    # The first pair alone: 2/(2 + 1). All four: 4/(2 + 4), the same.
    found = choose(np.array([[True, False, False, True]]), np.array([[0.9, 0.8, 0.7, 0.6]]))
    assert found.value == pytest.approx(0.85)
    assert found.score == pytest.approx(2 / 3)


@settings(deadline=None)
@given(st.integers(0, 100_000), st.booleans())
def test_macro_f1_is_the_best_of_its_grid(seed: int, single: bool) -> None:
    rng = np.random.default_rng(seed)
    gold = rng.random((30, 5)) < 0.3
    gold[0, 0] = True
    probabilities = rng.random((30, 5)).astype(np.float32 if single else np.float64)
    found = choose(gold, probabilities, metric="macro_f1")
    assert found.metric == "macro_f1_mean_of_codes"
    assert macro_f1(gold, found.accept(probabilities)) == pytest.approx(found.score)
    # With fewer gold pairs than grid values every useful threshold is on the grid.
    tried = [macro_f1(gold, probabilities >= p) for p in probabilities[gold]]
    assert found.score == pytest.approx(max(tried))


def test_rows_in_several_blocks_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    gold, probabilities = rng.random((50, 8)) < 0.3, rng.random((50, 8))
    whole = choose(gold, probabilities, metric="macro_f1")
    monkeypatch.setattr("icdcoder.decide.threshold.ROWS", 7)
    assert choose(gold, probabilities, metric="macro_f1") == whole


@pytest.mark.parametrize("metric", ["micro_f1", "macro_f1"])
def test_perfect_probabilities_give_a_perfect_score(metric: str) -> None:
    found = choose(GOLD, np.where(GOLD, 0.9, 0.2), metric=metric)  # type: ignore[arg-type]
    # D is never gold: its F1 of 0 is part of the mean over all codes.
    assert found.score == (1.0 if metric == "micro_f1" else pytest.approx(2 / 3))
    assert 0.2 <= found.value < 0.9


def test_nothing_is_chosen_on_test_notes() -> None:
    with pytest.raises(ConfigError, match="nothing may be chosen on test notes"):
        choose(GOLD, PROBABILITIES, split="test")
    with pytest.raises(ConfigError, match="no such part"):
        choose(GOLD, PROBABILITIES, split="dev")
    assert choose(GOLD, PROBABILITIES, split="train").split == "train"


def test_an_unknown_metric_is_answered() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'micro_f1'"):
        choose(GOLD, PROBABILITIES, metric="micro-f1")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("gold", "probabilities", "message"),
    [
        (GOLD, PROBABILITIES[:1], "note × code"),
        (np.zeros_like(GOLD), PROBABILITIES, "No note has a gold code"),
        (GOLD, PROBABILITIES * 10, "outside"),
        (GOLD, np.where(GOLD, np.nan, 0.5), "NaN"),
    ],
)
def test_bad_input_is_a_sentence(gold: np.ndarray, probabilities: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        choose(gold, probabilities)


def test_a_collapse_is_noticed() -> None:
    assert collapse(np.zeros((3, 4), bool)) == "No code is accepted for any note."
    assert "Every code is accepted" in str(collapse(np.ones((3, 4), bool)))
    assert "the same codes (2 of 3)" in str(collapse(np.tile([True, True, False], (3, 1))))
    assert collapse(GOLD) is None
    assert collapse(np.array([[True, False]])) is None
    same = choose(GOLD, np.full(GOLD.shape, 0.1))
    assert "Every code is accepted" in same.warnings[0]
    assert "No code is accepted" in choose(GOLD, np.zeros(GOLD.shape)).warnings[0]


def test_a_given_threshold() -> None:
    given_one = fixed(0.5)
    assert given_one.accept(np.array([0.5, 0.51])).tolist() == [False, True]
    assert given_one.origin == "0.5, given"
    for value in (-0.1, 1.0, float("nan")):
        with pytest.raises(ConfigError, match="from 0 to below 1"):
            fixed(value)


def test_a_threshold_goes_through_json_with_its_origin(tmp_path: Path) -> None:
    path = tmp_path / "threshold.json"
    for threshold in (choose(GOLD, PROBABILITIES.astype(np.float32)), fixed(0.3)):
        threshold.save(path)
        assert Threshold.load(path) == threshold
    assert "chosen for micro_f1 on the validation part" in choose(GOLD, PROBABILITIES).origin
    path.write_text('{"value": "high"}', encoding="utf-8")
    with pytest.raises(ArtefactError, match="not a threshold"):
        Threshold.load(path)
    with pytest.raises(ArtefactError):
        Threshold.load(tmp_path / "other.json")
