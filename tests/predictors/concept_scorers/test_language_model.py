from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from icdcoder.core.code import Code
from icdcoder.core.document import Document
from icdcoder.core.note import Note
from icdcoder.knowledge.concepts import Concept, ConceptSet
from icdcoder.predictors.asking.asker import AskingConfig
from icdcoder.predictors.concept_scorers import language_model
from icdcoder.predictors.concept_scorers.language_model import Config, LanguageModelScorer

I10, E119 = Code("icd10cm", "I10"), Code("icd10cm", "E11.9")
CONCEPTS = ConceptSet((Concept("hypertension", 2, (I10,)), Concept("diabetes", 2, (E119,))))
TEXTS = ("patient with hypertension", "patient with diabetes", "patient with neither")
ASKING = AskingConfig(epochs=1, questions=2, lora_rank=2)


def documents(codes: tuple[Code, ...] = ()) -> list[Document]:
    return [Document(str(i), (Note(str(i), TEXTS[i % 3]),), codes, str(i), "train") for i in range(6)]


@pytest.fixture(scope="module")
def config(causal_models: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = causal_models.save(tmp_path_factory.mktemp("model"), [*TEXTS, "diabetes", "hypertension"])
    return Config(asking=ASKING.model_copy(update={"checkpoint": folder}))


@pytest.fixture(scope="module")
def scorer(config: Config) -> LanguageModelScorer:
    return language_model.fit(config, CONCEPTS, documents(), 0)


def test_every_concept_has_a_probability_and_an_empty_note_supports_nothing(scorer: LanguageModelScorer) -> None:
    notes = [Note("a", TEXTS[0]), Note("b", "")]
    scores = scorer.scores(notes)
    assert scores.shape == (2, 2)
    assert scores.dtype == np.float32
    assert ((scores[0] > 0) & (scores[0] < 1)).all()
    assert (scores[1] == 0).all()
    np.testing.assert_allclose(scorer.scores_of(notes[0], [1]), scores[0, 1:], atol=1e-5)


def test_from_evidence_the_codes_change_nothing(config: Config, scorer: LanguageModelScorer) -> None:
    coded = language_model.fit(config, CONCEPTS, documents((I10, E119)), 0)
    assert np.array_equal(coded.scores([Note("a", TEXTS[0])]), scorer.scores([Note("a", TEXTS[0])]))
    from_codes = config.model_copy(update={"targets": "codes"})
    learnt = language_model.fit(from_codes, CONCEPTS, documents((I10, E119)), 0)
    assert not np.array_equal(learnt.scores([Note("a", TEXTS[0])]), scorer.scores([Note("a", TEXTS[0])]))


def test_evidence_is_where_the_words_of_a_concept_stand(scorer: LanguageModelScorer) -> None:
    found = scorer.evidence(Note("a", TEXTS[0]))
    assert [one.text for one in found[0]] == ["hypertension"]


def test_a_saved_scorer_scores_the_same_without_its_checkpoint(
    config: Config, scorer: LanguageModelScorer, tmp_path: Path
) -> None:
    scorer.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(scorer.files)
    alone = config.model_copy(update={"asking": ASKING})
    again = language_model.load(tmp_path, alone, CONCEPTS)
    notes = [Note("a", text) for text in TEXTS]
    np.testing.assert_allclose(again.scores(notes), scorer.scores(notes), atol=1e-6)
