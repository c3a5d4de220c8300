from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from icdcoder.core.code import Code
from icdcoder.core.document import Document
from icdcoder.core.errors import ArtefactError
from icdcoder.core.note import Note
from icdcoder.knowledge.concepts import Concept, ConceptSet
from icdcoder.predictors.concept_scorers import lexical
from icdcoder.predictors.concept_scorers.lexical import Config, LexicalScorer

I10, E119 = Code("icd10cm", "I10"), Code("icd10cm", "E11.9")
CONCEPTS = ConceptSet((Concept("hypertension", 2, (I10,), ("HTN",)), Concept("type 2 diabetes", 2, (E119,))))
NOTE = Note("a", "Known HTN. No type 2 diabetes.")


def document(number: int, text: str, codes: tuple[Code, ...]) -> Document:
    return Document(str(number), (Note(str(number), text),), codes, str(number), "train")


def fitted(codes: tuple[Code, ...] = (I10,)) -> LexicalScorer:
    texts = ("hypertension, stable", "diabetes of type 2", "diabetes")
    return lexical.fit(Config(), CONCEPTS, [document(i, text, codes) for i, text in enumerate(texts)], 0)


def test_scores_are_probabilities_of_what_the_note_affirms() -> None:
    scores = fitted().scores([NOTE, Note("b", "")])
    assert scores.dtype == np.float32
    assert scores[0, 0] == pytest.approx(1)
    assert 0 < scores[0, 1] < 0.01
    assert (scores[1] == 0).all()


def test_evidence_points_into_the_note_also_where_it_denies() -> None:
    found = fitted().evidence(NOTE)
    assert found[0][0].text == "HTN"
    assert found[1][0].text == "type 2 diabetes"
    assert NOTE.text[found[1][0].start : found[1][0].end] == "type 2 diabetes"
    assert (found[1][0].score or 0) < 0.5


def test_the_codes_of_the_training_notes_change_nothing() -> None:
    assert np.array_equal(fitted(()).scores([NOTE]), fitted((I10, E119)).scores([NOTE]))


def test_a_saved_scorer_scores_the_same(tmp_path: Path) -> None:
    scorer = fitted()
    scorer.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(scorer.files)
    assert np.array_equal(lexical.load(tmp_path, Config(), CONCEPTS).scores([NOTE]), scorer.scores([NOTE]))
    (tmp_path / lexical.FILE).write_text("[1]")
    with pytest.raises(ArtefactError, match="not written by icdcoder"):
        lexical.load(tmp_path, Config(), CONCEPTS)
