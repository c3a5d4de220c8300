from __future__ import annotations

import json
from pathlib import Path

import pytest

from icdcoder.core.config import build
from icdcoder.core.errors import ConfigError
from icdcoder.experiment import concept_claims
from icdcoder.experiment.concept_claims import load_claims, run_claims
from icdcoder.experiment.config import Experiment
from icdcoder.predictors import concept

SMALL = (
    "corpus.documents=60",
    "corpus.codes=6",
    "model.folds=2",
    "model.steps=30",
    "model.note.epochs=2",
    "model.note.embedding=16",
    "model.note.filters=16",
)


def test_every_arm_has_settings_that_a_coder_takes() -> None:
    claims = load_claims()
    for settings in claims.arms.values():
        config = build(concept.Config, settings, "model")
        concept.scorer_of(config.scorer)
    for group in claims.groups:
        assert set(group.arms) <= set(claims.arms)
    assert {name for group in claims.groups for name in group.arms} == set(claims.arms)
    for about in claims.corpora.values():
        given = {**about.settings, "corpus": {"root": "nowhere", **about.settings["corpus"]}}
        if about.settings["corpus"]["kind"] == "synthetic":
            given["corpus"].pop("root")
        Experiment.resolve({**given, "name": "n", "model": {"kind": "concept"}})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def test_the_table_says_measures_differences_and_bands(folder: Path) -> None:
    path = run_claims("synthetic", groups=["claim"], seeds=[1, 2], settings=SMALL, runs=folder)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Concept-enhanced against direct coding: synthetic")
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    assert rows.count("direct") == rows.count("concepts") == rows.count("both") == 2
    assert "0 (0 codes, 0 pairs) | 1–2" in text
    saved = json.loads((path.parent / "claims.json").read_text(encoding="utf-8"))
    assert [run["chosen"]["seed"] for run in saved["both"]] == ["1", "2"]
    cells = next(line for line in text.splitlines() if line.startswith("| concepts")).split("|")
    mean = sum(run["metrics"]["micro_f1"] for run in saved["concepts"]) / 2
    assert cells[3].strip().startswith(f"{mean:.3f} ± ")


def test_finished_runs_are_kept_and_a_failing_arm_costs_itself_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/*/coder/coder.json")}
    assert len(before) == 6
    claims = load_claims()
    broken = {**claims.arms, "layer 1 alone": {"specific": 0, "concepts": "nowhere.tsv"}}
    monkeypatch.setattr(concept_claims, "load_claims", lambda: claims.model_copy(update={"arms": broken}))
    path = run_claims("synthetic", groups=["layers"], seeds=[1], settings=SMALL, runs=folder)
    text = path.read_text(encoding="utf-8")
    assert "- layer 1 alone: not run, nowhere.tsv cannot be read" in text
    assert "| layer 2 alone | 1 |" in text
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_unknown_names_are_answered() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'codiesp'"):
        run_claims("codisp")
    with pytest.raises(ConfigError, match="Did you mean 'layers'"):
        run_claims("synthetic", groups=["layer"])
