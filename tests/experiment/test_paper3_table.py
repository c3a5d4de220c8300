"""The third paper's table: what its result files say, what not to believe of it, and rows that can be run."""

from __future__ import annotations

import pytest

from icdcoder.core import components
from icdcoder.core.config import build
from icdcoder.experiment import published
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.row_settings import row_settings
from icdcoder.predictors import concept, concept_stages

TABLE = published.load("paper3-table")
# KEPTLongformer stands there for comparison; there is no such model here.
RUN = [row for row in TABLE.rows if row.model["kind"] != "kept"]


def test_both_data_sets_have_the_published_rows() -> None:
    rows = {(row.system, row.set.removeprefix("mimic3-")): row.published for row in TABLE.rows}
    macro, micro = "macro_f1_of_macro_precision_recall", "micro_f1"
    for of_set, by_concepts, direct in (
        ("50", (0.8770, 0.8795), (0.5070, 0.4892)),
        ("rare50", (0.9103, 0.8754), (0.3495, 0.1636)),
    ):
        own, without = rows["CEC", of_set], rows["Direct language model, no concepts", of_set]
        assert (own[macro], own[micro]) == by_concepts
        assert (without[macro], without[micro]) == direct
        assert {"auc_macro", "auc_micro", "precision_at_5", "precision_at_8", "precision_at_15"} <= set(own)


def test_it_says_that_the_papers_own_rows_look_copied_from_labels() -> None:
    assert "DO NOT TAKE" in TABLE.notes[0]
    assert "145 of 146 gold pairs" in TABLE.notes[0]


@pytest.mark.parametrize("row", RUN, ids=lambda row: f"{row.system} {row.set}")
def test_every_row_has_settings_that_its_system_takes(row: published.Row) -> None:
    given = ["corpus.root=x", "corpus.lists=KEPT.py", *(f"{key}=folder" for one in RUN for key in one.given)]
    found = row_settings(row, TABLE, "", given)
    assert not found.missing
    asked = Experiment.resolve({**found.base, "name": "x"})
    settings = {key: value for key, value in found.base["model"].items() if key != "kind"}
    if row.model["kind"] == "concept":
        assert isinstance(asked.model, concept.Config)
        concept_stages.scorer_of(asked.model.scorer)
    else:
        build(components.load("models", row.model["kind"]).Config, settings, "model")


def test_the_lists_of_rare50_go_to_its_rows_alone() -> None:
    """With CAML's lists of the other data set, one command runs the whole table."""
    found = {row.set: row_settings(row, TABLE, "", ("corpus.root=x", "corpus.lists=KEPT.py")).base for row in RUN}
    assert found["mimic3-rare50"]["corpus"]["lists"] == "KEPT.py"
    assert "lists" not in found["mimic3-50"]["corpus"]
    rare = next(row for row in RUN if row.set == "mimic3-rare50" and not row.given)
    without = row_settings(rare, TABLE, "", ("corpus.root=x",)).missing
    assert without == "needs KEPT's collectrare50data.py: --set corpus.lists=…"
    assert not row_settings(rare, TABLE, "synthetic", ()).missing
