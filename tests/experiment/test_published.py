"""Published tables: readable, complete, and spoken of in our measures' names."""

from __future__ import annotations

import numpy as np
import pytest

from icdcoder.core.errors import ConfigError
from icdcoder.experiment import published
from icdcoder.measure.coding import coding_measures
from icdcoder.train.config import TrainConfig

TABLES = published.names()


def test_the_tables_are_found() -> None:
    assert {"paper1-table1", "caml", "multirescnn", "laat", "plm-icd", "edin2023"} <= set(TABLES)
    assert not any(name.startswith("_") for name in TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_every_figure_is_one_of_our_measures_and_a_share(name: str) -> None:
    gold = np.array([[True, False], [False, True]])
    scores = np.array([[0.9, 0.1], [0.2, 0.8]])
    known = coding_measures(gold, scores, scores > 0.5)
    for row in published.load(name).rows:
        assert set(row.published) <= set(known), row.system
        assert all(0 < value < 1 for value in row.published.values()), row.system


@pytest.mark.parametrize("name", TABLES)
def test_every_row_names_a_known_data_set_and_valid_training(name: str) -> None:
    for row in published.load(name).rows:
        data = published.data_set(row.set)
        assert data.corpus["kind"] in ("mimic3", "mimic4")
        assert data.needs
        TrainConfig(**row.train)
        assert row.model["kind"]


@pytest.mark.parametrize("name", ["synthetic", "codiesp", "cmc2007"])
def test_every_stand_in_has_one_protocol(name: str) -> None:
    protocol = published.stand_in(name)
    assert protocol.corpus["kind"] == name
    TrainConfig(**protocol.train)


def test_paper_1_gives_what_it_printed() -> None:
    rows = {(row.system, row.set): row.published for row in published.load("paper1-table1").rows}
    assert len(rows) == 16 + 7  # the reductions, of which it printed no figures
    assert rows["LLAMA2-R + MultiResCNN", "mimic3-50"]["micro_f1"] == 0.6912
    assert rows["LLAMA2-C", "mimic3-full"]["macro_f1_of_macro_precision_recall"] == 0.0241


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: published.load("cmal"), "Did you mean 'caml'"),
        (lambda: published.stand_in("codisp"), "Did you mean 'codiesp'"),
        (lambda: published.data_set("mimic3-5"), "Did you mean 'mimic3-50'"),
    ],
)
def test_a_typo_is_answered(call, hint: str) -> None:
    with pytest.raises(ConfigError, match=hint):
        call()
