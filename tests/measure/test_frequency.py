from __future__ import annotations

import numpy as np
import pytest

from icdcoder.core.errors import InputError
from icdcoder.measure.counts import Counts
from icdcoder.measure.frequency import by_training_frequency

TRAINING = np.array([0, 1, 2, 3, 8, 9, 50, 51, 4000])


def counts(seed: int = 0) -> Counts:
    rng = np.random.default_rng(seed)
    gold, accepted = rng.random((2, 20, len(TRAINING))) < 0.4
    return Counts.of(gold, accepted)


def test_the_edges_of_the_bands() -> None:
    bands = by_training_frequency(counts(), TRAINING)
    assert [(band.label, band.codes) for band in bands] == [("0", 1), ("1–2", 2), ("3–8", 2), ("9–50", 2), ("> 50", 2)]


def test_the_bands_share_out_every_pair() -> None:
    every = counts()
    bands = by_training_frequency(every, TRAINING)
    assert sum(band.gold for band in bands) == every.gold.sum()
    assert sum(band.accepted for band in bands) == every.accepted.sum()
    assert sum(band.correct for band in bands) == every.correct.sum()


def test_one_band_alone_is_the_whole() -> None:
    every = counts()
    last = by_training_frequency(every, np.full(len(TRAINING), 100))[-1]
    assert float(last.micro.f1) == float(every.pooled.f1)
    assert last.macro_f1_mean_of_codes_present == pytest.approx(every.f1.mean())


def test_a_band_without_gold_has_no_mean() -> None:
    bands = by_training_frequency(counts(), np.full(len(TRAINING), 5))
    assert bands[0].codes == 0
    assert bands[0].macro_f1_mean_of_codes_present is None


def test_codes_that_are_not_gold_here_leave_the_mean_but_cost_precision() -> None:
    some = Counts(np.array([2, 0]), np.array([2, 3]), np.array([2, 0]))
    band = by_training_frequency(some, np.array([5, 5]))[2]
    assert (band.codes, band.codes_present, band.macro_f1_mean_of_codes_present) == (2, 1, 1.0)
    assert float(band.micro.f1) == pytest.approx(2 * 2 / (2 + 5))


def test_counts_of_another_space_are_refused() -> None:
    with pytest.raises(InputError, match="8 training counts were given for 9 codes"):
        by_training_frequency(counts(), TRAINING[1:])
