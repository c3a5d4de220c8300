"""The claim of coding over concepts: arms shared by claims, bands of training notes, runs that are kept."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from icdcoder.core.config import build
from icdcoder.core.errors import ConfigError
from icdcoder.experiment.claims import described
from icdcoder.experiment.claims.arms import LanguageModel, settings_of
from icdcoder.experiment.claims.report import markdown
from icdcoder.experiment.claims.run import Outcome, try_claims
from icdcoder.experiment.config import Experiment
from icdcoder.measure.report import CARD
from icdcoder.predictors import concept, concept_stages

NAME = "paper3-claims"
CLAIMS = described.load(NAME)
SMALL = (
    "corpus.documents=60",
    "corpus.codes=6",
    "model.folds=2",
    "model.steps=30",
    "model.note.epochs=2",
    "model.note.embedding=16",
    "model.note.filters=16",
)


def tried(folder: Path, wanted: list[str], seeds: list[int], *settings: str) -> Outcome:
    return try_claims(
        NAME, corpus="synthetic", wanted=wanted, seeds=seeds, settings=(*SMALL, *settings), runs=folder, alone=False
    )


@pytest.mark.parametrize("corpus", CLAIMS.corpora)
def test_every_arm_has_settings_that_a_coder_takes_and_the_same_data(corpus: str, checkpoints: dict[str, Path]) -> None:
    pytest.importorskip("transformers")
    model = LanguageModel.of(str(checkpoints["llama"]))
    root = () if corpus.startswith("synthetic") else ("corpus.root=x",)
    data: list[Any] = []
    for claim in CLAIMS.claims:
        for arm in claim.arms:
            found = settings_of(CLAIMS, claim, arm, corpus, model, root)
            assert isinstance(found, dict)
            Experiment.resolve({**found, "name": "x"})
            if found["model"]["kind"] == "concept":
                config = build(concept.Config, {k: v for k, v in found["model"].items() if k != "kind"}, "model")
                concept_stages.scorer_of(config.scorer)
            assert found["labels"].pop("also", None) == ("siblings" if claim.name == "unseen" else None)
            data.append((found["corpus"], found["labels"]))
    assert all(one == data[0] for one in data)


def test_an_arm_of_several_claims_is_one_arm() -> None:
    arms: dict[str, Any] = {}
    for claim in CLAIMS.claims:
        for arm in claim.arms:
            assert arms.setdefault(arm.name, arm) == arm


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def layers(folder: Path) -> Outcome:
    return tried(folder, ["layers"], [1, 2])


def test_the_table_says_measures_differences_and_bands(layers: Outcome, folder: Path) -> None:
    text = (folder / f"{NAME}-synthetic" / "claims.md").read_text(encoding="utf-8")
    assert text == markdown(layers)
    assert text.startswith("# Concept-enhanced against direct coding")
    ((_, arms),) = layers.tried
    assert [one.arm.name for one in arms] == [
        "concepts",
        "layer 1 alone",
        "layer 2 alone",
        "names of the code alone",
        "with blocks",
        "with chapters",
    ]
    for one in arms:
        assert text.count(f"| {one.arm.name} |") == 2  # its measures, its bands
        mean = sum(run["micro_f1"] for run in one.runs) / 2
        assert f"| {one.arm.name} | 2 | {mean:.3f} ± " in text
    assert "micro-F1 by training notes of the code:" in text
    assert "| arm | 9–50 (" in text or "| arm | > 50 (" in text


def test_bands_are_those_of_the_report(layers: Outcome, folder: Path) -> None:
    card = json.loads((folder / f"{NAME}-synthetic" / "concepts,seed=1" / "report" / CARD).read_text())
    run = layers.tried[0][1][0].runs[0]
    pairs = {name: value for name, value in run.items() if name.startswith("gold pairs")}
    assert sum(pairs.values()) == sum(band["gold"] for band in card["bands"]) > 0
    assert len(pairs) == sum(band["gold"] > 0 for band in card["bands"])


def test_finished_runs_are_kept_and_shared_and_a_failing_arm_costs_itself_only(layers: Outcome, folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*/*/coder/coder.json")}
    assert len(before) == 12
    outcome = tried(folder, ["layers", "head"], [1])
    assert {path: path.stat().st_mtime_ns for path in before} == before
    (_, first), (_, heads) = outcome.tried
    assert heads[0] == first[0]  # "concepts" is in both
    broken = tried(folder / "broken", ["layers"], [1], "model.concepts=nowhere.tsv")
    assert all("nowhere.tsv cannot be read" in one.reason for one in broken.tried[0][1])


def test_the_language_model_goes_to_the_part_that_asks() -> None:
    model = LanguageModel("folder", 32, 400)

    def own(name: str) -> dict[str, Any]:
        claim, arm = next((c, a) for c in CLAIMS.claims for a in c.arms if a.name == name)
        found = settings_of(CLAIMS, claim, arm, "synthetic", model, [])
        assert isinstance(found, dict)
        return found["model"]

    asking = {"checkpoint": "folder", "max_tokens": 300}
    assert own("language model, from codes")["scorer"]["asking"] == asking
    assert own("language model as head")["asking"] == asking
    assert "scorer" not in own("language model as head")
    assert own("cross-encoder")["scorer"] == {"kind": "cross_encoder", "targets": "evidence", "checkpoint": "folder"}
    first, second = own("language model, codes as questions"), own("language model, from codes")
    assert {k: v for k, v in first.items() if k not in ("general", "specific")} == second


def test_a_language_model_as_scorer_and_as_classifier(tiny_models: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    llama = tiny_models.save("llama", tmp_path / "llama", writes=True, max_position_embeddings=512)
    (claim,) = (one for one in CLAIMS.claims if one.name == "language-model")
    bare = settings_of(CLAIMS, claim, claim.arms[1], "synthetic", None, [])
    assert bare == "needs a language model: --set checkpoint=FOLDER"
    outcome = try_claims(
        NAME,
        corpus="synthetic",
        wanted=["language-model"],
        seeds=[1],
        settings=(
            f"checkpoint={llama}",
            "corpus.documents=40",
            "corpus.codes=5",
            "corpus.words=100",
            "text.max_tokens=128",
            "train.epochs=1",
        ),
        runs=tmp_path,
        alone=False,
    )
    assert not [one.reason for one in outcome.tried[0][1] if one.reason]
    asked = {one.arm.name: one.runs[0] for one in outcome.tried[0][1]}
    assert asked["language model, codes as questions"]["concepts_scored"] <= 5
    assert asked["language model, from codes"]["concepts_scored"] > 5
    assert all(run["training_seconds"] > 0 for run in asked.values())
    for one in outcome.tried[0][1]:
        assert 0 <= one.runs[0]["micro_f1"] <= 1


def test_unknown_names_are_answered(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'codiesp'"):
        try_claims(NAME, corpus="codisp", runs=tmp_path)
    with pytest.raises(ConfigError, match="Did you mean 'layers'"):
        try_claims(NAME, corpus="synthetic", wanted=["layer"], runs=tmp_path)
