from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from icdcoder.core.code import Code
from icdcoder.core.document import Document
from icdcoder.core.errors import ConfigError
from icdcoder.core.note import Note
from icdcoder.knowledge.concepts import Concept, ConceptSet
from icdcoder.predictors.concept_scorers import hierarchical, lexical
from icdcoder.predictors.concept_scorers.hierarchical import Config, HierarchicalScorer
from icdcoder.predictors.label_networks.network import NetworkConfig

I10, E119, J180 = Code("icd10cm", "I10"), Code("icd10cm", "E11.9"), Code("icd10cm", "J18.0")
CONCEPTS = ConceptSet(
    (
        Concept("hypertension", 2, (I10,)),
        Concept("diabetes", 2, (E119,)),
        Concept("pneumonia", 2, (J180,)),
        Concept("fatigue", 1, (I10, E119)),
    )
)
TEXTS = {I10: "patient with hypertension and fatigue", E119: "patient with diabetes", J180: "patient with pneumonia"}
SMALL = NetworkConfig(embedding=16, filters=16, kernel=3, epochs=25, batch_size=8, learning_rate=0.01)
CONFIGS = {gate: Config(gate=gate, most=1, network=SMALL) for gate in ("words", "network")}


@pytest.fixture(scope="module", params=CONFIGS)
def gate(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def scorer(gate: str) -> HierarchicalScorer:
    documents = [
        Document(f"{i}{code}", (Note(str(i), text),), (code,), f"{i}{code}", "train")
        for i in range(16)
        for code, text in TEXTS.items()
    ]
    return hierarchical.fit(CONFIGS[gate], CONCEPTS, documents, 0)


def test_only_concepts_under_active_parents_are_scored(scorer: HierarchicalScorer) -> None:
    notes = [Note("a", text) for text in TEXTS.values()]
    assert [row.tolist() for row in scorer.active(notes)] == [[0, 3], [1, 3], [2]]
    scores, every = scorer.scores(notes), scorer.scorer.scores(notes)  # pyright: ignore
    for row, asked in enumerate(scorer.active(notes)):
        np.testing.assert_array_equal(scores[row, asked], every[row, asked])
        assert (np.delete(scores[row], asked) == 0).all()
        assert set(scorer.evidence(notes[row])) <= set(asked.tolist())


def test_the_scorer_within_is_asked_for_no_other_concept(scorer: HierarchicalScorer) -> None:
    asked: list[int] = []

    class Counting:
        files = ()

        def scores_of(self, note: Note, wanted: list[int]) -> np.ndarray:
            asked.append(len(wanted))
            return np.ones(len(wanted), dtype=np.float32)

    counted = HierarchicalScorer(CONCEPTS, Counting(), scorer.gate, scorer.below, 1, 0.01)  # pyright: ignore
    notes = [Note("a", text) for text in TEXTS.values()]
    assert counted.scores(notes).sum() == sum(asked) == 5
    assert counted.scores([Note("b", "")]).sum() == 0
    assert len(asked) == 3, "nothing is asked of a note without an active parent"


def test_all_parents_active_is_the_exhaustive_way(scorer: HierarchicalScorer) -> None:
    every = HierarchicalScorer(CONCEPTS, scorer.scorer, scorer.gate, scorer.below, 99, 0.0)
    notes = [Note("a", text) for text in TEXTS.values()]
    inner = scorer.scorer
    assert isinstance(inner, lexical.LexicalScorer)
    np.testing.assert_array_equal(every.scores(notes), inner.scores(notes))


def test_a_saved_scorer_scores_the_same(scorer: HierarchicalScorer, gate: str, tmp_path: Path) -> None:
    scorer.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(scorer.files)
    notes = [Note("a", text) for text in TEXTS.values()]
    assert np.array_equal(hierarchical.load(tmp_path, CONFIGS[gate], CONCEPTS).scores(notes), scorer.scores(notes))


def test_a_hierarchy_within_a_hierarchy_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs another scorer"):
        hierarchical.fit(Config(scorer={"kind": "hierarchical"}), CONCEPTS, [], 0)
    with pytest.raises(ConfigError, match="Did you mean 'lexical'"):
        hierarchical.fit(Config(scorer={"kind": "lexicl"}), CONCEPTS, [], 0)


def test_what_gate_and_scorer_leave_out_is_said() -> None:
    few = NetworkConfig(embedding=4, filters=4, kernel=3, epochs=1, max_tokens=2)
    documents = [Document(str(i), (Note(str(i), TEXTS[I10]),), (I10,), str(i), "train") for i in range(4)]
    note = Note("a", TEXTS[I10])
    table = {"kind": "label_attention", "network": {**few.model_dump(), "max_tokens": 3}}
    for config, ends in (
        (Config(gate="network", network=few), "hypertension and fatigue"),
        (Config(scorer=table), "and fatigue"),
    ):
        (left,) = hierarchical.fit(config, CONCEPTS, documents, 0).left_unread(note)
        assert note.text[left.start :] == ends
    assert hierarchical.fit(Config(), CONCEPTS, documents, 0).left_unread(note) == ()
