from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from icdcoder.core.note import Note
from icdcoder.nn.asking.yes_no import Asked, YesNoModel
from icdcoder.predictors.asking.asker import AskingConfig
from icdcoder.predictors.concept_heads import language_model
from icdcoder.predictors.concept_heads.language_model import SHOWN, Questionnaire

CONCEPTS = ("lisinopril", "insulin", "fever")
ABOUT = Questionnaire(CONCEPTS, [np.array([0, 2]), np.array([1]), np.array([], dtype=np.int64)], ("HTN", "DM", "rash"))
NOTES = [Note(str(i), text) for i, text in enumerate(("on lisinopril", "on insulin", "fever", "well"))]
SCORES = np.array([[0.9, 0.1, 0.2], [0.0, 0.8, 0.5], [0.3, 0.2, 1.0], [0.0, 0.0, 0.0]], dtype=np.float32)


@pytest.fixture(scope="module")
def config(causal_models: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> AskingConfig:
    texts = [note.text for note in NOTES] + [*CONCEPTS, "HTN DM rash none : ;"]
    folder = causal_models.save(tmp_path_factory.mktemp("model"), texts)
    return AskingConfig(checkpoint=folder, epochs=1, questions=3, lora_rank=2)


def test_a_question_shows_the_answers_to_the_codes_own_concepts() -> None:
    assert [dict(fields) for fields in ABOUT.of(SCORES[1])] == [
        {"findings": "lisinopril: no; fever: yes", "code": "HTN"},
        {"findings": "insulin: yes", "code": "DM"},
        {"findings": "none", "code": "rash"},
    ]
    many = Questionnaire([str(i) for i in range(20)], [np.arange(20)], ["x"])
    assert many.of(np.zeros(20, dtype=np.float32))[0]["findings"].count(":") == SHOWN


def test_no_prompt_holds_the_answer(config: AskingConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The prompts that are read in training are the same whichever codes are gold."""
    read: list[tuple[object, ...]] = []
    forward = YesNoModel.forward

    def noting(self: YesNoModel, asked: Asked) -> object:
        read.append((tuple(asked.text), tuple(sorted(map(tuple, asked.questions)))))
        return forward(self, asked)

    monkeypatch.setattr(YesNoModel, "forward", noting)
    seen = []
    for gold in (np.eye(4, 3, dtype=np.bool_), ~np.eye(4, 3, dtype=np.bool_)):
        stage = language_model.fit(config, ABOUT, NOTES, SCORES, gold, 0)
        rendered = {
            (tuple(asked.text), tuple(sorted(map(tuple, asked.questions))))
            for asked in (stage.asker.asked(n, list(ABOUT.of(s))) for n, s in zip(NOTES, SCORES, strict=True))
        }
        assert set(read) == rendered
        seen.append(sorted(read))
        read.clear()
    assert seen[0] == seen[1]


def test_a_saved_stage_answers_the_same(config: AskingConfig, tmp_path: Path) -> None:
    stage = language_model.fit(config, ABOUT, NOTES, SCORES, np.eye(4, 3, dtype=np.bool_), 0)
    stage.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(stage.files)
    again = language_model.load(tmp_path, config, ABOUT)
    np.testing.assert_allclose(again.probabilities(SCORES, NOTES), stage.probabilities(SCORES, NOTES), atol=1e-6)
    assert stage.probabilities(SCORES, NOTES).shape == (4, 3)


def test_only_codes_that_are_wanted_are_asked_about(config: AskingConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = language_model.fit(config, ABOUT, NOTES, SCORES, np.eye(4, 3, dtype=np.bool_), 0)
    every = stage.probabilities(SCORES, NOTES)
    asked: list[str] = []
    probabilities = stage.asker.probabilities

    def noting(note: Note, questions: list[dict[str, str]]) -> object:
        asked.extend(one["code"] for one in questions)
        return probabilities(note, questions)

    monkeypatch.setattr(stage.asker, "probabilities", noting)
    np.testing.assert_allclose(stage.probabilities(SCORES, NOTES, [2, 0]), every[:, [2, 0]], atol=1e-5)
    stage.probabilities(SCORES, NOTES[:1], [1])
    assert set(asked[:8]) == {"HTN", "rash"}
    assert set(asked[8:]) == {"DM"}
