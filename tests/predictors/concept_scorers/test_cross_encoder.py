from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from icdcoder.core.code import Code
from icdcoder.core.document import Document
from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.core.note import Note
from icdcoder.knowledge.concepts import Concept, ConceptSet
from icdcoder.predictors.concept_scorers import cross_encoder
from icdcoder.predictors.concept_scorers.cross_encoder import Config, CrossScorer
from icdcoder.text.knowledge_sample import KnowledgeSampler

I10, E119 = Code("icd10cm", "I10"), Code("icd10cm", "E11.9")
CONCEPTS = ConceptSet((Concept("hypertension", 2, (I10,)), Concept("diabetes mellitus", 2, (E119,))))
TEXTS = ("hypertension on lisinopril", "type 2 diabetes mellitus", "no fever, no chills")
DOCUMENTS = [Document(str(i), (Note(str(i), TEXTS[i % 3]),), (), str(i), "train") for i in range(12)]


@pytest.fixture(scope="module")
def config(tiny_models: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tiny_models.save("bert", tmp_path_factory.mktemp("model"))
    return Config(checkpoint=folder, window=24, overlap=4, epochs=40, learning_rate=0.003, questions=2)


@pytest.fixture(scope="module")
def scorer(config: Config) -> CrossScorer:
    return cross_encoder.fit(config, CONCEPTS, DOCUMENTS, 0)


def test_it_learns_which_concept_stands_in_the_note(scorer: CrossScorer) -> None:
    scores = scorer.scores([Note("a", text) for text in TEXTS])
    assert scores[0, 0] > scores[0, 1]
    assert scores[1, 1] > scores[1, 0]
    assert (scorer.scores([Note("b", "")]) == 0).all()
    np.testing.assert_allclose(scorer.scores_of(Note("a", TEXTS[0]), [1]), scores[0, 1:], atol=1e-5)
    assert scorer.evidence(Note("a", TEXTS[0]))[0][0].text == "hypertension"


def test_windows_cover_a_long_note_and_are_pooled(scorer: CrossScorer) -> None:
    model = scorer.model
    for length in (1, 24, 25, 60, 100):
        windows = model.windows(list(range(length)))
        assert sorted({token for window in windows for token in window}) == list(range(length))
        assert all(len(window) <= 24 for window in windows)
    note = scorer.tokenizer.encode(" ".join(TEXTS * 4)).tolist()
    each = np.stack([model(w, scorer.asked).detach().numpy() for w in model.windows(note)])
    np.testing.assert_allclose(model(note, scorer.asked).detach().numpy(), each.max(0), atol=1e-5)
    model.pooling = "mean"
    np.testing.assert_allclose(model(note, scorer.asked).detach().numpy(), each.mean(0), atol=1e-5)
    model.pooling = "max"


def test_a_saved_scorer_scores_the_same_without_its_checkpoint(
    config: Config, scorer: CrossScorer, tmp_path: Path
) -> None:
    scorer.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(scorer.files)
    notes = [Note("a", text) for text in TEXTS]
    again = cross_encoder.load(tmp_path, config.model_copy(update={"checkpoint": None}), CONCEPTS)
    np.testing.assert_allclose(again.scores(notes), scorer.scores(notes), atol=1e-6)
    (tmp_path / cross_encoder.KNOWN).write_text("{", encoding="utf-8")
    with pytest.raises(ArtefactError, match="does not fit"):
        cross_encoder.load(tmp_path, config, CONCEPTS)


def test_settings_that_cannot_work_are_refused(config: Config) -> None:
    for changes, said in (
        ({"window": 500}, "Set window lower"),
        ({"overlap": 24}, "cannot share"),
        ({"checkpoint": None}, "needs a pretrained encoder"),
    ):
        with pytest.raises(ConfigError, match=said):
            cross_encoder.fit(config.model_copy(update=changes), CONCEPTS, DOCUMENTS, 0)


def test_what_is_past_its_tokens_is_said(scorer: CrossScorer) -> None:
    note = Note("a", "\n\n".join(TEXTS))
    assert scorer.left_unread(note) == ()
    (left,) = replace(scorer, max_tokens=3).left_unread(note)
    assert (left.start > 0, left.end) == (True, len(note.text))
    sampled = replace(scorer, max_tokens=3, sampler=KnowledgeSampler(["no chills"]))
    assert sampled.read(note) != replace(scorer, max_tokens=3).read(note)
    assert "fewer words speak of a code" in sampled.left_unread(note)[0].reason
