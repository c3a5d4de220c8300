from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from icdcoder.coder import Coder
from icdcoder.core.artefact import sha256
from icdcoder.core.config import read_toml
from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.core.prediction import AttendingPredictor, ScoringPredictor
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.deciding import decide
from icdcoder.experiment.evaluating import evaluate
from icdcoder.experiment.flow import run
from icdcoder.experiment.prepare import prepare
from icdcoder.experiment.prepared import Prepared
from icdcoder.experiment.training import train_model
from icdcoder.measure.report import Report

from .conftest import experiment


def files(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): sha256(p) for p in folder.rglob("*") if p.is_file()}


def test_every_artefact_is_there(done: Experiment) -> None:
    assert {p.name for p in done.folder.iterdir()} == {"prepared", "run", "coder", "report"}
    assert Report.load(done.report).metrics["micro_f1"] > 0


def test_a_second_run_repeats_neither_preparing_nor_training(done: Experiment) -> None:
    before = {name: files(done.folder / name) for name in ("prepared", "run")}
    made = [(done.folder / name).stat().st_mtime_ns for name in ("prepared/documents.parquet", "run/best.safetensors")]
    run(done)
    assert {name: files(done.folder / name) for name in ("prepared", "run")} == before
    names = ("prepared/documents.parquet", "run/best.safetensors")
    assert [(done.folder / name).stat().st_mtime_ns for name in names] == made


def test_the_saved_configuration_repeats_the_run(done: Experiment, tmp_path: Path) -> None:
    again = Experiment.resolve({**read_toml(done.run / "config.toml"), "runs": str(tmp_path)})
    assert again.tables() == done.tables()
    prepare(again)
    train_model(again)
    one, other = (load_file(x.run / "best.safetensors") for x in (done, again))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_other_settings_are_refused_with_the_difference(done: Experiment) -> None:
    other = experiment(done.folder.parent, corpus={"documents": 161})
    with pytest.raises(ArtefactError, match=r"corpus\.documents: 160 → 161"):
        prepare(other)
    with pytest.raises(ArtefactError, match=r"in train"):
        train_model(experiment(done.folder.parent, train={"epochs": 3}))


def test_steps_out_of_order_say_what_to_do(tmp_path: Path) -> None:
    asked = experiment(tmp_path)
    with pytest.raises(ConfigError, match="icdcoder prepare"):
        train_model(asked)
    prepare(asked)
    with pytest.raises(ArtefactError, match="icdcoder train"):
        decide(asked)
    with pytest.raises(ArtefactError, match="no coder folder"):
        evaluate(asked)


def test_the_folder_of_the_experiment_names_its_coder(done: Experiment) -> None:
    with pytest.raises(ArtefactError, match="its coder is .*coder"):
        Coder.load(done.folder)


def test_a_ranker_needs_no_model_and_training_says_so(tmp_path: Path) -> None:
    asked = Experiment.resolve({"name": "few", "runs": str(tmp_path), "corpus": {"kind": "synthetic", "documents": 20}})
    for step in (run, train_model):
        with pytest.raises(ConfigError, match=r"names no model: write \[model\].*laat"):
            step(asked)
    assert not list(tmp_path.iterdir())


def test_the_coder_can_be_moved_and_codes_with_evidence(done: Experiment, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(done.coder, moved)
    coder = Coder.load(moved)
    assert isinstance(coder.predictor, AttendingPredictor)
    assert isinstance(coder.predictor, ScoringPredictor)
    prepared = Prepared.load(done.prepared)
    note = prepared.documents[prepared.split("test")[0]].joined()
    prediction = coder.code(note, top=5)
    assert prediction.codes
    for code in prediction.codes:
        for evidence in code.evidence:
            assert note.text[evidence.start : evidence.end] == evidence.text
            assert evidence.method == "attention"


def test_no_artefact_holds_an_absolute_path(done: Experiment) -> None:
    for path in done.folder.rglob("*"):
        if path.is_file() and path.suffix in {".json", ".toml", ".md", ".csv", ".jsonl", ".txt"}:
            assert str(done.folder) not in path.read_text(encoding="utf-8")


def test_no_note_text_outside_the_prepared_folder(done: Experiment) -> None:
    prepared = Prepared.load(done.prepared)
    lines = {
        line.strip()
        for document in prepared.documents[:40]
        for line in document.joined().text.splitlines()
        if len(line.split()) > 4
    }
    for folder in (done.run, done.coder, done.report):
        for path in folder.rglob("*"):
            if path.is_file():
                body = path.read_bytes().decode("utf-8", errors="ignore")
                assert not any(line in body for line in lines), path


@pytest.mark.parametrize("name", ["model.safetensors", "space.json", "vocabulary.txt", "coder.json"])
def test_a_coder_with_a_missing_or_damaged_file_is_refused(done: Experiment, tmp_path: Path, name: str) -> None:
    broken = tmp_path / "coder"
    shutil.copytree(done.coder, broken)
    path = broken / name
    body = path.read_bytes()
    path.write_bytes(body[:-3] + b"xyz")
    with pytest.raises(ArtefactError, match="damaged"):
        Coder.load(broken)
    path.unlink()
    with pytest.raises(ArtefactError):
        Coder.load(broken)


def test_the_threshold_says_where_it_was_chosen(done: Experiment) -> None:
    card = json.loads((done.coder / "coder.json").read_text())
    assert card["threshold"]["split"] == "validation"
    assert card["threshold"]["metric"] == "micro_f1"


def test_evaluation_scores_what_the_coder_scores(done: Experiment) -> None:
    """The report rests on the packed coder, note by note as a user would send them."""
    prepared = Prepared.load(done.prepared)
    coder = Coder.load(done.coder)
    test = prepared.split("test")
    with np.load(done.report / "scores.npz") as saved:
        for row, i in list(enumerate(test))[:5]:
            one = coder.code(prepared.documents[i].joined(), top=len(prepared.space))
            scores = {c.code: c.score for c in one.codes}
            expected = dict(zip(prepared.space.codes, saved["scores"][row].tolist(), strict=True))
            assert scores == pytest.approx(expected, abs=1e-5)


def test_a_note_past_the_budget_says_what_was_not_read(done: Experiment) -> None:
    prediction = Coder.load(done.coder).code("cough and fever " * 500)
    (span,) = prediction.left_unread
    assert span.end <= 16 * 500
    assert "300 tokens" in span.reason


def test_a_threshold_can_be_given(done: Experiment, tmp_path: Path) -> None:
    shutil.copytree(done.folder, tmp_path / done.name)
    given = experiment(tmp_path, decide={"threshold": 0.5})
    assert decide(given).origin == "0.5, given"
    report = evaluate(given)
    assert report.metrics != Report.load(done.report).metrics
