from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.document import Document
from icdcoder.core.errors import ArtefactError
from icdcoder.core.note import Note
from icdcoder.knowledge.concepts import Concept, ConceptSet
from icdcoder.predictors.concept_scorers import label_attention
from icdcoder.predictors.concept_scorers.label_attention import AttentionScorer, Config
from icdcoder.predictors.label_networks.network import NetworkConfig
from icdcoder.text.knowledge_sample import KnowledgeSampler

I10, E119 = Code("icd10cm", "I10"), Code("icd10cm", "E11.9")
CONCEPTS = ConceptSet((Concept("hypertension", 2, (I10,)), Concept("diabetes", 2, (E119,))))
SMALL = Config(network=NetworkConfig(embedding=16, filters=16, kernel=3, epochs=25, batch_size=8, learning_rate=0.01))
# Lisinopril stands beside hypertension in training, so that a network can find the one by the other.
TEXTS = (
    "patient with hypertension on lisinopril daily",
    "patient with diabetes on metformin daily",
    "patient with a broken arm, plaster daily",
    "hypertension and lisinopril, diabetes and metformin",
)


def documents(codes: tuple[Code, ...] = ()) -> list[Document]:
    return [
        Document(str(i), (Note(str(i), TEXTS[i % 4]),), codes if i % 4 == 2 else (), str(i), "train") for i in range(48)
    ]


@pytest.fixture(scope="module")
def scorer() -> AttentionScorer:
    return label_attention.fit(SMALL, CONCEPTS, documents(), 0)


def test_it_learns_to_find_concepts(scorer: AttentionScorer) -> None:
    scores = scorer.scores([Note("a", text) for text in TEXTS])
    assert (scores > 0.5).tolist() == [[True, False], [False, True], [False, False], [True, True]]
    assert (scorer.scores([Note("b", ""), Note("c", "12 34")]) == 0).all()


def test_from_evidence_the_codes_change_nothing(scorer: AttentionScorer) -> None:
    coded = label_attention.fit(SMALL, CONCEPTS, documents((I10, E119)), 0)
    note = Note("a", TEXTS[2])
    assert np.array_equal(coded.scores([note]), scorer.scores([note]))


def test_from_codes_they_are_all_that_counts() -> None:
    config = SMALL.model_copy(update={"targets": "codes"})
    coded = label_attention.fit(config, CONCEPTS, documents((I10,)), 0)
    assert coded.scores([Note("a", TEXTS[2])])[0, 0] > 0.5
    assert coded.scores([Note("a", TEXTS[0])])[0, 0] < 0.5


def test_fitting_leaves_the_random_state_alone(scorer: AttentionScorer) -> None:
    torch.manual_seed(4)
    before = torch.get_rng_state()
    again = label_attention.fit(SMALL, CONCEPTS, documents(), 0)
    assert torch.equal(before, torch.get_rng_state())
    notes = [Note("a", text) for text in TEXTS]
    assert np.array_equal(again.scores(notes), scorer.scores(notes))


def test_evidence_points_into_the_note(scorer: AttentionScorer) -> None:
    note = Note("a", "Seen today.\n" + TEXTS[0])
    found = scorer.evidence(note)
    assert set(found) == {0}
    one = found[0][0]
    assert note.text[one.start : one.end] == one.text
    assert "hypertension" in one.text or "lisinopril" in one.text
    assert scorer.evidence(Note("b", "")) == {}
    assert scorer.evidence(Note("c", TEXTS[2])) == {}


def test_a_saved_scorer_scores_the_same(scorer: AttentionScorer, tmp_path: Path) -> None:
    scorer.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(scorer.files)
    notes = [Note("a", text) for text in TEXTS]
    assert np.array_equal(label_attention.load(tmp_path, SMALL, CONCEPTS).scores(notes), scorer.scores(notes))
    with pytest.raises(ArtefactError, match="does not fit"):
        label_attention.load(tmp_path, Config(), CONCEPTS)


def test_what_is_past_its_tokens_is_said() -> None:
    three = Config(network=SMALL.network.model_copy(update={"max_tokens": 3, "epochs": 1}))
    note = Note("a", "patient in bed today\n\nPlan:\nhypertension daily\n")
    (left,) = label_attention.fit(three, CONCEPTS, documents(), 0).left_unread(note)
    assert note.text[left.start : left.end].endswith("hypertension daily")
    sampled = label_attention.fit(three, CONCEPTS, documents(), 0, KnowledgeSampler(["hypertension"]))
    (left,) = sampled.left_unread(note)
    assert note.text[left.start : left.end] == "patient in bed today"
