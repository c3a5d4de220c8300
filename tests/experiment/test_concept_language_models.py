from __future__ import annotations

import importlib.util
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from icdcoder.coder import Coder
from icdcoder.core.note import Note
from icdcoder.core.progress import Step
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.flow import run
from icdcoder.experiment.prepare import prepare
from icdcoder.experiment.prepared import Prepared
from icdcoder.experiment.training import train_model
from icdcoder.train.stopping import TrainingStoppedError

pytest.importorskip("transformers", reason="needs the extra [llm]")
QUICK = {"epochs": 1, "questions": 4, "lora_rank": 2, "max_tokens": 60}


def checkpoint(folder: Path) -> str:
    place = Path(__file__).parent.parent / "predictors" / "asking" / "causal_models.py"
    spec = importlib.util.spec_from_file_location("causal_models", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.save(folder, ["hypertension diabetes mellitus patient history discharge"]).as_posix()


def experiment(folder: Path, name: str, tuning: str = "lora", **tables: Any) -> Experiment:
    """Both stages by a language model."""
    asking: dict[str, Any] = {"checkpoint": checkpoint(folder / "model"), **QUICK, "tuning": tuning}
    return Experiment.resolve(
        {
            "name": name,
            "runs": str(folder),
            "corpus": {"kind": "synthetic", "documents": 40, "codes": 4},
            "model": {
                "kind": "concept",
                "folds": 2,
                "head": "language_model",
                "asking": asking,
                "scorer": {"kind": "language_model", "asking": asking},
            },
            **tables,
        }
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    asked = experiment(tmp_path_factory.mktemp("runs"), "asked")
    run(asked)
    return asked


class StoppingProgress:
    """Sends Ctrl-C in the second step of each fine-tuning that it has not seen yet."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    @contextmanager
    def track(self, what: str, total: int | None = None) -> Iterator[Step]:
        steps = 0

        def step(done: int = 1, note: str = "") -> None:
            nonlocal steps
            steps += bool(note)
            if what.startswith("Fine-tuning") and steps == 2 and what not in self.seen:
                self.seen.add(what)
                signal.raise_signal(signal.SIGINT)

        yield step


def test_a_fine_tuning_that_was_stopped_goes_on_to_the_same_coder(done: Experiment, tmp_path: Path) -> None:
    asked, progress = experiment(tmp_path, "asked"), StoppingProgress()
    prepare(asked)
    names = ["concepts", "fold 1 of 2", "fold 2 of 2", "codes"]
    for name in names:
        with pytest.raises(TrainingStoppedError, match=r"after step 2.*same command again"):
            train_model(asked, progress=progress)
        assert f"Fine-tuning, {name}, epoch 1/1" in progress.seen
    train_model(asked, progress=progress)
    assert len(progress.seen) == len(names)
    assert not (asked.run / "fine_tuning").exists()
    for path in sorted(done.run.glob("*.safetensors")):
        assert path.read_bytes() == (asked.run / path.name).read_bytes()
    with np.load(done.run / "concept_scores.npz") as whole, np.load(asked.run / "concept_scores.npz") as again:
        assert np.array_equal(whole["scores"], again["scores"])


def test_a_coder_of_two_language_models_is_packed_whole(done: Experiment) -> None:
    card = json.loads((done.coder / "coder.json").read_text(encoding="utf-8"))
    assert "checkpoint" not in json.dumps(card["model"])
    (done.folder.parent / "model").rename(done.folder.parent / "elsewhere")
    prepared = Prepared.load(done.prepared)
    note = prepared.documents[prepared.split("test")[0]].joined()
    prediction = Coder.load(done.coder).code(note, top=4)
    assert len(prediction.codes) == 4
    assert all(0 < code.score < 1 for code in prediction.codes)


def test_one_note_for_many_rows_is_the_same_as_row_by_row(done: Experiment) -> None:
    from icdcoder.predictors.concept import ConceptPredictor

    predictor = Coder.load(done.coder).predictor
    assert isinstance(predictor, ConceptPredictor)
    note = Note("a", "History of diabetes mellitus.")
    scores = np.random.default_rng(0).random((5, len(predictor.concepts)), dtype=np.float32)
    together = predictor.code_probabilities(scores, [note])
    np.testing.assert_allclose(together, predictor.code_probabilities(scores, [note] * 5), atol=1e-5)
    assert not np.allclose(together[0], together[1], atol=1e-7), "the answers to concepts are in the questions"


def test_what_neither_stage_reads_is_said(done: Experiment) -> None:
    prepared = Prepared.load(done.prepared)
    note = prepared.documents[prepared.split("test")[0]].joined()
    prediction = Coder.load(done.coder).code(note)
    assert prediction.left_unread
    assert prediction.left_unread[-1].end == len(note.text.rstrip())


def test_both_stages_read_what_the_sampler_chooses(tmp_path: Path) -> None:
    from icdcoder.predictors.concept import ConceptPredictor
    from icdcoder.text.knowledge_sample import FILE, KnowledgeSampler

    sampled = experiment(tmp_path, "sampled", "none", text={"sampler": "knowledge"})
    run(sampled)
    assert FILE in json.loads((sampled.coder / "coder.json").read_text(encoding="utf-8"))["files"]
    coder = Coder.load(sampled.coder)
    predictor = coder.predictor
    assert isinstance(predictor, ConceptPredictor)
    for stage in (predictor.scorer, predictor.second):
        sampler = stage.asker.sampler  # pyright: ignore[reportAttributeAccessIssue]
        assert isinstance(sampler, KnowledgeSampler)
        assert sampler.terms == Prepared.load(sampled.prepared).sampler.terms  # pyright: ignore[reportAttributeAccessIssue]
    note = Note("a", "Social History:\n" + "Lives alone. " * 60 + "\n\nPlan:\n" + "Hypertension. " * 20)
    left = coder.code(note).left_unread
    assert all("fewer words speak of a code" in span.reason for span in left)
    assert len(left) == 1
    assert note.text[left[0].start : left[0].end].startswith("Lives alone.")
    assert left[0].end < note.text.index("Plan")
