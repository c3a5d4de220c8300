from __future__ import annotations

import numpy as np
import pytest

from icdcoder.predictors.ranking.descriptions import AROUND, NAMES, Rarity, rows
from icdcoder.text.normal_form import normal_words
from icdcoder.text.word_variants import joined


def words(text: str) -> frozenset[str]:
    return frozenset(map(joined, normal_words(text).words))


DESCRIBED = [words("kidney stone"), words("kidney pain"), words("pain"), words("pain chest")]
RARITY = Rarity.of_descriptions(DESCRIBED)


def weight(word: str) -> float:
    return RARITY.weight(joined(word))


def row(text: str, description: str, mention: str) -> dict[str, float]:
    at = text.index(mention)
    found = rows(normal_words(text), [words(description)], [(at, at + len(mention))], RARITY)
    return dict(zip(NAMES, found[0].tolist(), strict=True))


def test_a_word_of_few_descriptions_weighs_more() -> None:
    assert weight("stone") > weight("kidney") > weight("pain") > 0
    assert weight("zebra") > weight("stone")


def test_the_description_itself_is_nearest() -> None:
    exact = row("Kidney stone.", "kidney stone", "stone")
    assert exact["description_near"] == pytest.approx(1.0, abs=1e-5)
    assert exact["description_in_note"] == pytest.approx(1.0)
    assert exact["description_missing"] == 0
    assert row("Kidney pain.", "kidney stone", "Kidney")["description_near"] < exact["description_near"]


def test_words_far_from_the_mention_are_in_the_note_but_not_near() -> None:
    text = "Stone in the past. " + "Normal findings here again today. " * AROUND + "Kidney seen."
    found = row(text, "kidney stone", "Kidney")
    near = row("Stone in the kidney. " + text, "kidney stone", "kidney")
    assert found["description_in_note"] == pytest.approx(1.0)
    assert 0 < found["description_near"] < near["description_near"]


def test_the_rarest_missing_word_is_told() -> None:
    found = row("Pain.", "pain kidney stone", "Pain")
    assert found["description_missing"] == pytest.approx(weight("stone"))
    assert found["description_in_note"] < 0.5


def test_candidates_do_not_change_each_other() -> None:
    note = normal_words("Chest pain and kidney stone, no pain elsewhere.")
    places = [(0, 5), (6, 10), (15, 21), (22, 27)]
    together = rows(note, DESCRIBED, places, RARITY)
    for described, place, expected in zip(DESCRIBED, places, together, strict=True):
        np.testing.assert_allclose(rows(note, [described], [place], RARITY)[0], expected, rtol=1e-6)


def test_no_candidates_and_no_words_are_no_trouble() -> None:
    assert rows(normal_words("pain"), [], [], RARITY).shape == (0, len(NAMES))
    assert np.isfinite(rows(normal_words(""), [frozenset({"pain"}), frozenset()], [(0, 0), (0, 0)], RARITY)).all()


def test_arrays_hold_all_weights() -> None:
    again = Rarity.of(RARITY.arrays())
    assert [again.weight(word) for word in ("pain", "stone", "zebra")] == [
        RARITY.weight(word) for word in ("pain", "stone", "zebra")
    ]
