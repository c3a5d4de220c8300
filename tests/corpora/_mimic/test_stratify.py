from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icdcoder.core.errors import InputError
from icdcoder.corpora._mimic.stratify import by_patient

CODES = st.dictionaries(
    st.text("0123456789", min_size=1, max_size=4), st.frozensets(st.integers(0, 8), max_size=5), max_size=60
)


@given(CODES, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_each_patient_is_in_one_part_whatever_the_order(codes: dict[str, frozenset[int]], seed: int) -> None:
    got = by_patient(codes, seed=seed)
    assert set(got) == set(codes)
    backwards = dict(reversed(list(codes.items())))
    assert by_patient(backwards, seed=seed) == got


@pytest.fixture(scope="module")
def patients() -> dict[str, list[int]]:
    """Codes as frequent as in a hospital: a few of many patients, many of a few."""
    draw = random.Random(0)
    return {str(i): [min(199, int(draw.paretovariate(0.5))) for _ in range(10)] for i in range(4000)}


def test_the_parts_have_their_shares(patients: dict[str, list[int]]) -> None:
    got = Counter(by_patient(patients, seed=1, validation=0.1, test=0.2).values())
    assert got["train"] == pytest.approx(2800, rel=0.02)
    assert got["validation"] == pytest.approx(400, rel=0.05)
    assert got["test"] == pytest.approx(800, rel=0.05)


def test_rare_codes_are_dealt_out_better_than_by_chance(patients: dict[str, list[int]]) -> None:
    """Codes of ten to forty patients: how far their share of the test part is from what was asked."""
    holders = Counter(code for codes in patients.values() for code in set(codes))
    rare = [code for code, count in holders.items() if 10 <= count <= 40]
    assert len(rare) > 20

    def error(split_of: dict[str, str]) -> float:
        tested = Counter(c for p, codes in patients.items() if split_of[p] == "test" for c in set(codes))
        return sum(abs(tested[c] / holders[c] - 0.2) for c in rare) / len(rare)

    names = sorted(patients)
    random.Random(2).shuffle(names)
    chance = {name: "test" if i < len(names) * 0.2 else "train" for i, name in enumerate(names)}
    assert error(dict(by_patient(patients, seed=1, validation=0.1, test=0.2))) < 0.5 * error(chance)


def test_a_long_tail_of_rare_codes_does_not_pull_everyone_into_the_training_part() -> None:
    """Every patient has a code that nobody else has, as with ICD codes in a small hospital."""
    draw = random.Random(4)
    patients = {str(i): [f"own {i}", *(f"rare {draw.randrange(400)}" for _ in range(3)), "common"] for i in range(1000)}
    got = Counter(by_patient(patients, seed=3, validation=0.1, test=0.2).values())
    assert got["train"] == pytest.approx(700, abs=25)
    assert got["validation"] == pytest.approx(100, abs=15)
    assert got["test"] == pytest.approx(200, abs=20)


def test_seeds_differ_and_shares_must_leave_something(patients: dict[str, list[int]]) -> None:
    assert by_patient(patients, seed=1) != by_patient(patients, seed=2)
    with pytest.raises(InputError, match="leave no patients"):
        by_patient(patients, seed=1, validation=0.5, test=0.5)
