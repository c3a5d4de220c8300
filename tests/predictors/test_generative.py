"""A generative coder from training to its folder: what was decided is what is loaded, and needs nothing else."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from rich.console import Console

from icdcoder.coder import Coder
from icdcoder.core.answering import Answered, AnsweringCoder
from icdcoder.core.code import Code
from icdcoder.core.config import override
from icdcoder.core.errors import ConfigError
from icdcoder.core.label_space import LabelSpace
from icdcoder.core.note import Note
from icdcoder.core.prediction import CoderName, Prediction
from icdcoder.core.progress import Step
from icdcoder.decide.threshold import choose
from icdcoder.experiment.answer_rule import _rule
from icdcoder.experiment.answers_report import answers_measured
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.deciding import decide
from icdcoder.experiment.evaluating import evaluate
from icdcoder.experiment.flow import run
from icdcoder.experiment.prepared import Prepared
from icdcoder.experiment.sweep import sweep_over, table
from icdcoder.measure.report import Report
from icdcoder.predictors.generation import answering
from icdcoder.predictors.generation.answering import Answering, Answers
from icdcoder.predictors.generation.rule import Rule
from icdcoder.predictors.generative import PROSE, GenerativePredictor, _warned
from icdcoder.text.prompting.formats import AnswerFormat

if TYPE_CHECKING:
    from icdcoder.nn.writing.answer_prefix import AnswerPrefix


@pytest.fixture(scope="module", params=["t5", "llama"])
def trained(request: pytest.FixtureRequest, tiny_models: Any, tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("generative")
    longer = {"max_position_embeddings": 256} if request.param == "llama" else {}
    checkpoint = tiny_models.save(request.param, folder / "pretrained", writes=True, **longer)
    data = {
        "name": "small",
        "runs": str(folder / "runs"),
        "corpus": {"kind": "synthetic", "documents": 60, "codes": 5},
        "text": {"tokens": "subwords", "checkpoint": str(checkpoint), "max_tokens": 100},
        "model": {
            "kind": "generative_coder",
            "checkpoint": str(checkpoint),
            "tuning": "lora",
            "knowledge": "medical_expressions",
            "knowledge_tokens": 8,
            "attended": 8,
            "most_answer_tokens": 24,
        },
        "train": {"epochs": 1, "batch_size": 16, "learning_rate": 0.003},
        "decide": {"answer": "blend"},
    }
    report = run(Experiment.resolve(data))
    return {"data": data, "report": report, "checkpoint": checkpoint}


def changed(trained: dict, *settings: str) -> Experiment:
    return Experiment.resolve(override(trained["data"], settings))


def test_the_report_measures_each_way_and_the_share_that_was_trained(trained: dict) -> None:
    metrics = trained["report"].metrics
    for way in ("generation", "attention"):
        assert 0 <= metrics[f"{way}_micro_f1"] <= 1
        assert 0 <= metrics[f"{way}_jaccard_macro"] <= 1
    assert 0 < metrics["trainable_share"] == metrics["trainable_weights"] / metrics["weights"] < 1
    assert metrics["answers_outside_space"] == metrics["answers_prose"] == metrics["answers_cut"] == 0
    assert "auc_micro" in metrics


def test_a_coder_needs_nothing_but_its_folder(trained: dict, tmp_path: Path) -> None:
    asked = changed(trained)
    prepared = Prepared.load(asked.prepared)
    note = prepared.documents[0].joined()
    before = Coder.load(asked.coder).code(note, top=5)
    folder = Path(shutil.copytree(asked.coder, tmp_path / "elsewhere"))
    hidden = Path(shutil.move(trained["checkpoint"], tmp_path / "hidden"))
    try:
        coder = Coder.load(folder)
        assert coder.code(note, top=5) == before
    finally:
        shutil.move(hidden, trained["checkpoint"])
    assert isinstance(coder.predictor, AnsweringCoder)
    assert "pretrained" not in json.dumps(coder.card["model"]) + json.dumps(coder.card["text"])
    weights, offsets = coder.predictor.attention(note, [code.code for code in before.codes])
    assert weights.shape == (len(before.codes), len(offsets)) == (len(before.codes), 100)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("answer", ["generation", "attention", "chosen", "blend"])
def test_what_was_decided_is_what_is_measured(trained: dict, answer: str) -> None:
    asked = changed(trained, f"decide.answer={answer}")
    threshold = decide(asked)
    coder = Coder.load(asked.coder)
    told = coder.card["answers"]
    found = evaluate(asked)
    if answer == "chosen":
        best = max(told["validation"], key=lambda way: told["validation"][way]["micro_f1"])
        assert told["rule"]["way"] == best
        answer = best
    if answer != "blend":
        assert threshold.value == told["thresholds"][answer]
        assert found.metrics["micro_f1"] == found.metrics[f"{answer}_micro_f1"]
    scores = np.load(asked.report / "scores.npz")["scores"]
    notes = [Prepared.load(asked.prepared).documents[i].joined() for i in Prepared.load(asked.prepared).split("test")]
    np.testing.assert_allclose(coder.predictor.probabilities(notes), scores, atol=1e-6)


def test_what_counts_is_chosen_on_validation_notes_and_the_test_part_is_not_looked_at(
    trained: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    split, looked_at = Prepared.split, set()
    monkeypatch.setattr(Prepared, "split", lambda self, name: looked_at.add(name) or split(self, name))
    decided = {}
    for answer in ("blend", "chosen"):
        asked = changed(trained, f"decide.answer={answer}")
        decide(asked)
        decided[answer] = Coder.load(asked.coder).card["answers"]
    assert "validation" in looked_at
    assert "test" not in looked_at
    prepared, predictor = Prepared.load(asked.prepared), Coder.load(asked.coder).predictor
    rows = prepared.split("validation")
    assert isinstance(predictor, GenerativePredictor)
    answers = predictor.answering.answers(
        predictor.reading.notes([predictor.reading.read(prepared.documents[i].joined()) for i in rows])
    )
    gold = prepared.gold(rows)
    for way, scores in answers.by_way.items():
        assert decided["chosen"]["validation"][way]["micro_f1"] == pytest.approx(choose(gold, scores).score)
    np.testing.assert_allclose(decided["blend"]["rule"]["weights"], Rule.blended(answers, gold).weights, rtol=1e-3)


def test_free_answers_are_read_and_what_they_are_not_is_counted(trained: dict) -> None:
    asked = changed(trained, "decide.answer=generation", "decide.decoding=free")
    decide(asked)
    found: Report = evaluate(asked)
    scores = np.load(asked.report / "scores.npz")["scores"]
    assert set(np.unique(scores)) <= {0.0, 1.0}
    went_wrong = {name: found.metrics[f"answers_{name}"] for name in ("outside_space", "prose", "cut")}
    said = [warning for warning in found.warnings if "written" in warning or "answers" in warning]
    assert len(said) == sum(count > 0 for count in went_wrong.values())


class Told:
    """What stands beside the bar "Weights" when training begins."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    @contextmanager
    def track(self, what: str, total: int | None = None) -> Iterator[Step]:
        def step(done: int = 1, note: str = "") -> None:
            self.notes += [note] * (what == "Weights")

        yield step


def test_the_share_that_is_trained_grows_with_the_rank_and_is_told(trained: dict) -> None:
    told = Told()
    settings = ("decide.answer=attention", "train.monitor=answer_loss", "train.monitor_mode=min")
    runs = sweep_over(override(trained["data"], settings), ["model.lora_rank=1,4"], progress=told)
    shares = [one.metrics["trainable_share"] for one in runs]
    assert 0 < shares[0] < shares[1] < 1
    assert told.notes == [f"{share:.2%} of them trained" for share in shares]
    shown = io.StringIO()
    Console(file=shown, width=400).print(table(runs))
    assert all(f"{share:.2%}" in shown.getvalue() for share in shares)


def test_an_empty_note_gets_no_code(trained: dict) -> None:
    asked = changed(trained, "decide.answer=generation", "decide.decoding=free")
    decide(asked)
    found = Coder.load(asked.coder).code(Note("empty", ""))
    assert found.codes == ()
    assert found.warnings == ("The note holds no word that could be read.",), "and nothing of an answer to it"


def test_an_answer_that_was_not_trained_cannot_be_asked_for(trained: dict) -> None:
    asked = changed(trained, "name=other", "model.generation_weight=0", "decide.answer=generation")
    with pytest.raises(ConfigError, match="trained for attention alone"):
        run(asked)


def answers(prose: bool = False) -> Answers:
    scores = np.array([[0.9, 0.2]], dtype=np.float32)
    zero = np.zeros(1, dtype=np.int64)
    return Answers(scores, 1 - scores, zero + 2, np.array([prose]), np.array([False]))


def test_warnings_say_what_could_not_be_read() -> None:
    empty = Prediction("n", CoderName("c", "1"), "icd9cm", "2015", ())
    assert _warned(empty, answers(), 0).warnings == ("The model wrote 2 codes that the label space does not hold.",)
    assert PROSE in _warned(empty, answers(prose=True), 0).warnings


def test_a_rule_is_saved_and_weighs_both() -> None:
    gold = np.array([[True, False]])
    rule = Rule.from_json(json.loads(json.dumps(Rule.blended(answers(), gold).to_json())))
    blended = rule(answers())
    assert blended.shape == (1, 2)
    assert blended[0, 0] > blended[0, 1]
    assert Rule("generation")(answers())[0, 1] == pytest.approx(0.8)


@pytest.mark.parametrize(("scores", "way"), [((0.4, 0.6), "generation"), ((0.6, 0.4), "attention")])
def test_lambda_is_that_of_the_better_answer(scores: tuple[float, float], way: str) -> None:
    found = dict(zip(("attention", "generation"), scores, strict=True))
    gold = np.array([[True, False]])
    assert _rule("chosen", answers(), gold, found) == Rule(way)
    for alone in found:
        assert _rule(alone, answers(), gold, found) == Rule(alone)
        assert _rule("chosen", answers(), gold, {alone: found[alone]}) == Rule(alone)


@pytest.mark.parametrize("knows", ["attention", "generation"])
def test_a_blend_follows_the_answer_that_is_right_and_is_calibrated(knows: str) -> None:
    draw = np.random.default_rng(0)
    real = draw.uniform(0.05, 0.95, (400, 5))
    gold = draw.random(real.shape) < real
    # What is known is told too surely.
    told = {"attention": draw.random(real.shape), "generation": draw.random(real.shape)}
    told[knows] = 1 / (1 + (1 / real - 1) ** 3)
    none = np.zeros(len(real), dtype=np.int64)
    given = Answers(told["attention"], told["generation"], none, none > 0, none > 0)
    blended = Rule.blended(given, gold)(given)
    assert np.abs(blended - real).mean() < 0.05 < np.abs(told[knows] - real).mean()


def test_what_is_written_freely_is_read_and_counted_note_by_note(monkeypatch: pytest.MonkeyPatch) -> None:
    space = LabelSpace(Code("icd9cm", value) for value in ("401.9", "428.0"))
    written = ["401.9; 428.0", "486; 401.9; V99.99", "She has a weak heart.", "none", "428.0; 428.0; "]
    cut = [[i] * (9 if i == 4 else 3) for i in range(len(written))]
    monkeypatch.setattr(answering, "write_freely", lambda *_: cut)
    model: Any = SimpleNamespace(answers=SimpleNamespace(end=1))
    asked = Answering(model, space, AnswerFormat(1, space, {}), lambda ids: written[ids[0]], "free", most_tokens=9)
    rows, prefix = np.array([4, 3, 2, 1, 0]), cast("AnswerPrefix", None)
    found = Answers(None, np.zeros((5, 2), dtype=np.float32), *(np.zeros(5, dtype=kind) for kind in (int, bool, bool)))
    assert found.generation is not None
    asked._write(prefix, None, rows, found, found.generation)
    assert found.generation[::-1].tolist() == [[1, 1], [1, 0], [0, 0], [0, 0], [0, 1]]
    assert found.outside[::-1].tolist() == [0, 2, 0, 0, 0]
    assert found.prose[::-1].tolist() == [False, False, True, False, False]
    assert found.cut[::-1].tolist() == [False, False, False, False, True]
    assert found.counts == {"outside_space": 2, "prose": 1, "cut": 1}


def test_the_report_says_what_went_wrong_in_writing() -> None:
    gold = np.array([[True, False], [False, True], [True, True]])
    scores = np.array([[1, 0], [0, 0], [0, 1]], dtype=np.float32)
    counts = {"outside_space": 3, "prose": 1, "cut": 0}
    parts = [Answered(scores[:2], {"generation": scores[:2]}, counts), Answered(scores[2:], {"generation": scores[2:]})]
    found = answers_measured(Report({}, {}), parts, gold, {"generation": 0.5})
    assert found.metrics["answers_prose"] == 1
    assert found.metrics["answers_outside_space"] == 3
    assert found.metrics["generation_micro_f1"] == pytest.approx(2 / 3), "prose is no code: 2 of 4 are found"
    assert found.warnings == (
        "Codes written that the label space does not hold, and so not counted: 3.",
        "Of 3 answers, 1 could not be read as codes and count as none.",
    )
