from __future__ import annotations

import json
from pathlib import Path

import pytest

from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.experiment.sweep import sweep, table

REPORTS = [("cough", "786.2"), ("fever", "780.6"), ("urinary infection", "599.0"), ("vomiting", "787.03")]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration over an invented corpus in the format of CMC 2007."""
    docs = []
    for i in range(60):
        word, code = REPORTS[i % len(REPORTS)]
        docs.append(
            f'<doc id="{i}" type="RADIOLOGY_REPORT"><codes><code origin="CMC_MAJORITY" type="ICD-9-CM">{code}</code>'
            f'</codes><texts><text type="CLINICAL_HISTORY">Child {i} with {word}.</text>'
            f'<text type="IMPRESSION">Number {i}: {word} as told.</text></texts></doc>'
        )
    (tmp_path / "2007ChallengeTrainData.xml").write_text(f"<docs>{''.join(docs)}</docs>")
    path = tmp_path / "c.toml"
    path.write_text(
        f"""
name = "c"
runs = "{tmp_path / "runs"}"
[corpus]
kind = "cmc2007"
root = "{tmp_path}"
folds = 3
[text]
min_documents = 1
[model]
kind = "caml"
embedding = 16
filters = 16
kernel = 3
[train]
epochs = 12
batch_size = 8
learning_rate = 0.02
"""
    )
    return path


def test_folds_are_pooled_into_one_figure_over_all_notes(config: Path, tmp_path: Path) -> None:
    runs = sweep(config, (), ("corpus.fold=0..2", "seed=1,2"), pool="corpus.fold")
    assert [run.chosen for run in runs] == [{"seed": "1"}, {"seed": "2"}]
    for run in runs:
        assert run.metrics["notes"] == 60
        assert run.metrics["micro_f1"] > 0.8
        assert run.metrics["trainable_share"] == 1.0
    saved = json.loads((tmp_path / "runs" / "c.sweep.json").read_text())
    assert [run["metrics"]["micro_f1"] for run in saved["runs"]] == [run.metrics["micro_f1"] for run in runs]
    shown = table(runs)
    assert shown.row_count == 1


def test_a_second_sweep_runs_nothing_again(config: Path, tmp_path: Path) -> None:
    first = sweep(config, (), ("seed=1",))
    weights = tmp_path / "runs" / "c,seed=1" / "run" / "best.safetensors"
    before = weights.stat().st_mtime_ns
    assert sweep(config, (), ("seed=1",))[0].metrics == first[0].metrics
    assert weights.stat().st_mtime_ns == before


@pytest.mark.parametrize(("setting", "table_"), [("train.epochs=3", "train"), ("decide.metric=macro_f1", "decide")])
def test_a_finished_run_of_other_settings_is_not_taken_for_this_one(config: Path, setting: str, table_: str) -> None:
    sweep(config, ("train.epochs=1",), ("seed=1",))
    with pytest.raises(ArtefactError, match=rf"other settings \(in {table_}\)"):
        sweep(config, ("train.epochs=1", setting), ("seed=1",))


def test_runs_that_only_decide_otherwise_share_what_was_trained(config: Path, tmp_path: Path) -> None:
    first = sweep(config, ("train.epochs=3",), ("seed=1",))[0]
    other = sweep(config, ("train.epochs=3", "name=other", "decide.metric=macro_f1"), ("seed=1",))[0]
    weights = [one.folder / "run" / "best.safetensors" for one in (first, other)]
    assert weights[0].stat().st_mtime_ns == weights[1].stat().st_mtime_ns, "trained once, then linked"
    assert 'metric = "macro_f1"' in (other.folder / "run" / "config.toml").read_text(encoding="utf-8")
    assert 'metric = "micro_f1"' in (first.folder / "run" / "config.toml").read_text(encoding="utf-8")
    again = sweep(config, ("train.epochs=4", "name=more"), ("seed=1",))[0]
    assert (again.folder / "run" / "best.safetensors").stat().st_mtime_ns > weights[0].stat().st_mtime_ns


def test_another_kind_of_model_does_not_get_the_settings_of_the_first(config: Path) -> None:
    runs = sweep(config, ("train.epochs=1",), ("model.kind=caml,laat",))
    assert [run.chosen["model.kind"] for run in runs] == ["caml", "laat"]


@pytest.mark.parametrize(
    ("over", "pool", "words"),
    [
        (["seed"], None, "is not an axis"),
        (["seed=1"], "corpus.fold", "is not one of the keys"),
        (["sed=1"], None, "seed"),
    ],
)
def test_bad_axes_are_sentences(config: Path, over: list[str], pool: str | None, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        sweep(config, (), over, pool=pool)
