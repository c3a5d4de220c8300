"""Reproduce: runs what can be run, says why the rest was not, keeps what is done."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from icdcoder.core.errors import ConfigError
from icdcoder.core.progress import Step
from icdcoder.experiment import reproduce as module
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepare import prepare
from icdcoder.experiment.published import PublishedTable, Row
from icdcoder.experiment.reproduce import Reproduction, reproduce
from icdcoder.experiment.reproduction_report import markdown
from icdcoder.experiment.sharing import share_prepared
from icdcoder.train.stopping import TrainingInterruptedError

SMALL = (
    "corpus.documents=60",
    "text.max_tokens=60",
    "train.epochs=1",
    "model.embedding=8",
)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Reproduction, Path]:
    runs = tmp_path_factory.mktemp("runs")
    settings = (*SMALL, "model.filters=4")
    return reproduce(
        "caml", corpus="synthetic", systems=["CAML", "CNN"], seeds=[1, 2], settings=settings, runs=runs
    ), runs


def test_each_system_runs_once_for_each_seed_on_a_stand_in(done: tuple[Reproduction, Path]) -> None:
    result, _ = done
    assert [one.row.system for one in result.rows] == ["CNN", "CAML"]
    for one in result.rows:
        assert not one.reason
        assert [run.chosen["seed"] for run in one.runs] == ["1", "2"]
        assert 0 <= one.runs[0].metrics["micro_f1"] <= 1


def test_what_is_done_is_kept(done: tuple[Reproduction, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    result, runs = done
    from icdcoder.experiment import sweep

    monkeypatch.setattr(sweep, "run", lambda *_, **__: pytest.fail("ran again"))
    again = reproduce(
        "caml", corpus="synthetic", systems=["cnn"], seeds=[1, 2], settings=(*SMALL, "model.filters=4"), runs=runs
    )
    assert again.rows[0].runs[0].metrics == result.rows[0].runs[0].metrics


def test_the_report_holds_every_run(done: tuple[Reproduction, Path]) -> None:
    result, runs = done
    data = json.loads((runs / "reproduce-caml-synthetic" / "table.json").read_text())
    assert {row["system"] for row in data["rows"]} >= {"CNN"}
    text = markdown(result)
    assert "| CAML | 2 | " in text
    assert "0.539 (mimic3-full)" in text


def test_runs_of_one_table_share_the_prepared_corpus(done: tuple[Reproduction, Path]) -> None:
    _, runs = done
    cards = list((runs / "reproduce-caml-synthetic").glob("*/prepared/card.json"))
    assert len(cards) == 4
    assert len({card.stat().st_ino for card in cards}) < 4


def test_other_settings_share_nothing(tmp_path: Path) -> None:
    def experiment(name: str, documents: int) -> Experiment:
        corpus = {"kind": "synthetic", "documents": documents}
        return Experiment.resolve({"name": name, "runs": str(tmp_path), "corpus": corpus, "model": {"kind": "caml"}})

    prepare(experiment("first", 40))
    assert not share_prepared(experiment("other", 50))
    same = experiment("same", 40)
    assert share_prepared(same)
    assert same.prepared.is_dir()
    assert not share_prepared(same)
    prepare(same)


def test_rows_that_cannot_run_say_why(tmp_path: Path) -> None:
    result = reproduce("paper1-table1", corpus="synthetic", systems=["LLAMA2-C"], runs=tmp_path)
    assert "LLAMA2-C" in markdown(result)
    assert result.rows[0].reason
    assert not result.rows[0].runs


def test_a_failing_row_costs_itself_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = PublishedTable(
        title="t",
        source="s",
        rows=(
            Row(system="none", set="mimic3-50", model={"kind": "no_such_model"}, published={"micro_f1": 0.5}),
            Row(system="wrong", set="mimic3-50", model={"kind": "caml", "fliters": 3}, published={"micro_f1": 0.5}),
            Row(system="right", set="mimic3-50", model={"kind": "caml", "filters": 3}, published={"micro_f1": 0.5}),
        ),
    )
    monkeypatch.setattr(module.published, "load", lambda _: table)
    found = reproduce("t", corpus="synthetic", seeds=[1], settings=SMALL, runs=tmp_path)
    assert "no model 'no_such_model'" in found.rows[0].reason
    assert "filters" in found.rows[1].reason
    assert found.rows[2].runs


class StoppingProgress:
    """Stops the first training, as a person or a scheduler would."""

    @contextmanager
    def track(self, what: str, total: int | None = None) -> Iterator[Step]:
        def step(done: int = 1, note: str = "") -> None:
            if what.startswith("epoch"):
                signal.raise_signal(signal.SIGTERM)

        yield step


def test_a_signal_ends_all_rows(tmp_path: Path) -> None:
    asked = {"corpus": "synthetic", "systems": ["CAML", "CNN"], "seeds": [1], "runs": tmp_path}
    settings = (*SMALL, "model.filters=4")
    with pytest.raises(TrainingInterruptedError, match="same command again"):
        reproduce("caml", **asked, settings=settings, progress=StoppingProgress())
    assert len(list(tmp_path.glob("*/*,seed=1"))) == 1
    assert all(row.runs for row in reproduce("caml", **asked, settings=settings).rows)


def test_an_unknown_system_is_answered(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'CAML'"):
        reproduce("caml", corpus="synthetic", systems=["CAMl"], runs=tmp_path)


def test_labels_of_the_other_loader_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="published with corpus.labels=caml"):
        reproduce("caml", settings=("corpus.labels=correct", "corpus.root=nowhere"), runs=tmp_path)
    with pytest.raises(ConfigError, match="published with corpus.labels=correct"):
        reproduce("edin2023", systems=["CAML"], settings=("corpus.labels='caml'",), runs=tmp_path)
    assert list(tmp_path.iterdir()) == []
    asked = ("corpus.labels=caml", f"corpus.root={tmp_path / 'nowhere'}")
    assert all(row.reason for row in reproduce("caml", systems=["CAML"], seeds=[1], settings=asked, runs=tmp_path).rows)
