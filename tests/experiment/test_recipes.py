"""What a published row trains on its own data is what the ready configuration of the same system trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from icdcoder.experiment import published
from icdcoder.experiment.cautions import READ_BEFOREHAND
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.row_settings import row_settings

CONFIGS = Path(__file__).parents[2] / "configs"
TABLES = ("corpus", "labels", "text", "words", "model", "train")
# Rows that train another variant of a system than the configuration of its name, on purpose.
OWN = {("systems", "XR-LAT (LSTM)"), ("systems", "XR-LAT-BootstrapHyperC (LSTM)")}


READY = [
    Experiment.load(path).tables(*TABLES)
    for path in sorted([*CONFIGS.glob("mimic*.toml"), *CONFIGS.glob("plm_*.toml")])
]


def pairs() -> list[tuple[str, published.Row, dict[str, Any]]]:
    def same_data(row: published.Row, config: dict[str, Any]) -> bool:
        data, corpus = published.data_set(row.set).corpus, config["corpus"]
        return all(corpus.get(key) == data.get(key) for key in ("kind", "variant"))

    return [
        (name, row, config)
        for name in published.names()
        for row in published.load(name).rows
        for config in READY
        if config["model"]["kind"] == row.model["kind"] and same_data(row, config) and (name, row.system) not in OWN
    ]


@pytest.mark.parametrize(("name", "row", "config"), pairs(), ids=lambda one: one if isinstance(one, str) else "")
def test_a_row_trains_what_the_configuration_of_its_system_trains(
    name: str, row: published.Row, config: dict[str, Any]
) -> None:
    settings = [f"corpus.root={config['corpus']['root']}"]
    settings += [f"{key}={config['model']['checkpoint']}" for key in row.given if key == "model.checkpoint"]
    own = row_settings(row, published.load(name), "", settings)
    assert own.missing == ""
    found = Experiment.resolve({**own.base, "name": "row"}).tables(*TABLES)
    # The published figures rest on what was learnt from the words of test notes; ready configurations learn nothing so.
    for table, key, _ in READ_BEFOREHAND:
        assert config[table].get(key, "train") == "train"
        found[table] |= {key: "train"} if key in found[table] else {}
    assert found == config, f"{row.system} on {row.set}"


def test_the_systems_of_mimic_have_counterparts() -> None:
    assert {row.model["kind"] for _, row, _ in pairs()} >= {"caml", "dr_caml", "laat", "joint_laat", "msmn", "xr_lat"}


# (table, system, data set) → the quirks of the authors' code on which the row's figures rest.
QUIRKS: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {
    ("caml", "CAML", "mimic3-50"): {"train": {"keep": "last"}, "model": {"trailing_position": True}},
    ("caml", "DR-CAML", "mimic3-50"): {"train": {"keep": "last"}, "model": {"set_order": True, "pool_padding": True}},
    ("paper1-table1", "CAML", "mimic3-full"): {"words": {"parts": "all"}},
    ("laat", "LAAT", "mimic3-full-correct"): {
        "text": {"vocabulary_parts": "all"},
        "words": {"parts": "all"},
        "model": {"freeze_words": True, "mask_padding": False},
    },
    ("systems", "TransICD", "mimic3-50-correct"): {
        "train": {"keep": "last", "whole_batches": True},
        "model": {"position_of_note": True, "dropout_twice": True},
    },
    ("plm-icd", "PLM-ICD", "mimic3-full"): {
        "train": {"keep": "last", "first_batch_alone": True, "adam_epsilon": 1e-6},
        "model": {"attend_padding": True},
    },
    ("plm-icd", "MSMN", "mimic3-full"): {"train": {"schedule_over": "batches"}, "model": {"pool_padding": True}},
    ("plm-icd", "HiLAT", "mimic3-50-correct"): {"model": {"attend_padding": True, "chunk_by": "sections"}},
    ("edin2023", "PLM-ICD", "mimic3-clean"): {"model": {"attend_padding": True, "show_padding": True}},
    ("edin2023", "MultiResCNN", "mimic3-clean"): {"model": {"second_tanh": True, "base_bias": False}},
}


@pytest.mark.parametrize("where", QUIRKS, ids=" ".join)
def test_a_quirk_is_on_where_a_figure_rests_on_it_and_off_by_default(where: tuple[str, str, str]) -> None:
    name, system, data = where
    table = published.load(name)
    row = next(row for row in table.rows if (row.system, row.set) == (system, data))
    given = ["corpus.root=/data", *(f"{key}=/models/one" for key in row.given)]
    found = Experiment.resolve({**row_settings(row, table, "", given).base, "name": "row"}).tables()
    asked = QUIRKS[where]
    assert {key: {name: found[key][name] for name in asked[key]} for key in asked} == asked
    kind = {"kind": row.model["kind"], **{key: "/models/one" for key in ("checkpoint",) if row.given}}
    words = {"kind": "cbow"} if "words" in asked else {}
    plain = Experiment.resolve({"name": "x", "corpus": {"kind": "synthetic"}, "model": kind, "words": words}).tables()
    assert not [(key, setting) for key in asked for setting in asked[key] if plain[key][setting] == asked[key][setting]]


def test_recipes_do_not_reach_stand_ins() -> None:
    table = published.load("laat")
    row = next(row for row in table.rows if row.system == "LAAT")
    base = row_settings(row, table, "synthetic", ()).base
    assert "freeze_words" not in base["model"]
    assert base["decide"] == {}
    assert "words" not in base


def test_what_a_data_set_needs_is_said() -> None:
    table = published.load("caml")
    assert "icdcoder fetch caml-splits" in row_settings(table.rows[0], table, "", ()).missing
    assert "CodiEsp version 4: --set corpus.root=" in row_settings(table.rows[0], table, "codiesp", ()).missing


@pytest.mark.parametrize("entry", published._read("_recipes")["recipes"])
def test_every_recipe_names_known_sets(entry: dict[str, Any]) -> None:
    for name in entry["sets"]:
        published.data_set(name)
