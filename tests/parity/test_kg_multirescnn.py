"""KG-MultiResCNN against its equations, written out in numpy one note, one filter and one position at a time."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import kg_multirescnn
from icdcoder.nn.contract import PAD, UNKNOWN, Batch, ModelContext

CODES = [Code("icd9cm", value) for value in ("401.9", "428.0", "427.31")]
VOCABULARY = "atrial fibrillation hypertension he has htn heart failure and congestive".split()
WORDS, KERNELS, SLOTS = len(VOCABULARY) + 2, (3, 5), 3
VECTORS = {"icd9cm:401.9": [3.0, 4, 0], "icd9cm:428.0": [0.0, 0, 2], "icd9cm:427.31": [1.0, 0, 0]}


def encode(text: str) -> np.ndarray:
    known = {word: number for number, word in enumerate(VOCABULARY, start=2)}
    return np.array([known.get(word, UNKNOWN) for word in text.lower().split()], dtype=np.int32)


NOTES = [
    encode(text).tolist() for text in ("he has htn htn and atrial fibrillation", "heart", "congestive heart failure he")
]
NAMED = [[0, 2], [], [1]]  # codes that each names


def convolved(weights: dict[str, np.ndarray], name: str, states: list[np.ndarray]) -> list[np.ndarray]:
    matrix = weights[f"{name}.convolution.weight"]
    kernel, found = matrix.shape[2], []
    for n in range(len(states)):
        state = weights.get(f"{name}.convolution.bias", np.zeros(len(matrix)))
        for j in range(kernel):
            if 0 <= n - kernel // 2 + j < len(states):
                state = state + matrix[:, :, j] @ states[n - kernel // 2 + j]
        found.append(state)
    return found


def normalised(weights: dict[str, np.ndarray], name: str, states: list[np.ndarray]) -> list[np.ndarray]:
    mean, variance = weights[f"{name}.norm.running_mean"], weights[f"{name}.norm.running_var"]
    scale, shift = weights[f"{name}.norm.weight"], weights[f"{name}.norm.bias"]
    return [(state - mean) / np.sqrt(variance + 1e-5) * scale + shift for state in states]


def filtered(weights: dict[str, np.ndarray], number: int, states: list[np.ndarray]) -> list[np.ndarray]:
    name = f"filters.{number}"
    states = [np.tanh(state) for state in convolved(weights, f"{name}.convolution", states)]
    for block in range(2):
        own = f"{name}.blocks.{block}"
        left = normalised(weights, f"{own}.first_norm", convolved(weights, f"{own}.first", states))
        left = convolved(weights, f"{own}.second", [np.tanh(state) for state in left])
        left = normalised(weights, f"{own}.second_norm", left)
        right = normalised(weights, f"{own}.shortcut_norm", convolved(weights, f"{own}.shortcut", states))
        states = [np.tanh(a + b) for a, b in zip(left, right, strict=True)]
    return states


def weighed(weights: dict[str, np.ndarray], note: list[int], terms: set[int]) -> dict[int, float]:
    """TF-IDF of some words in a note."""
    found = {token: note.count(token) * weights["idf"][token] for token in note if token in terms}
    length = math.sqrt(sum(value**2 for value in found.values())) or 1.0
    return {token: value / length for token, value in found.items()}


def naive(
    weights: dict[str, np.ndarray], note: list[int], named: list[int], terms: dict[int, float] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and attention "code place" over words and then entities. terms: what words are weighed by; None: by the
    note's own."""
    terms = weighed(weights, note, set(note)) if terms is None else terms
    words = [(1 + terms.get(token, 0.0)) * weights["words.embedding.weight"][token] for token in note]
    entities = [weights["reduction.weight"] @ weights["vectors"][e] + weights["reduction.bias"] for e in named]
    # With zeros between them, words and entities are two sequences.
    parts = [[filtered(weights, i, part) for i in range(len(KERNELS))] for part in (words, entities)]
    states = [np.concatenate(place) for part in parts for place in zip(*part, strict=True)]
    logits, rows = [], []
    matrices = (weights[f"label_attention.{name}"] for name in ("queries", "weights", "bias"))
    for query, weight, bias in zip(*matrices, strict=True):
        shares = np.array([math.exp(query @ state) for state in states])
        rows.append(shares / shares.sum())
        logits.append(weight @ sum(s * state for s, state in zip(rows[-1], states, strict=True)) + bias)
    return np.array(logits), np.array(rows)


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.tsv"
    path.write_text("".join(f"{name}\t{' '.join(map(str, vector))}\n" for name, vector in VECTORS.items()))
    return path


def build(vectors: Path | None, **settings: object) -> tuple[kg_multirescnn.KGMultiResCNN, dict[str, np.ndarray]]:
    torch.manual_seed(0)
    config = kg_multirescnn.Config(
        **{"embedding": 4, "kernels": KERNELS, "blocks": (4, 3), "entities": SLOTS, "vectors": vectors} | settings
    )
    counts = np.array([20, 0, *range(3, 3 + len(VOCABULARY))])
    context = ModelContext(WORDS, LabelSpace(CODES), encode=encode, word_notes=lambda: counts)
    model = kg_multirescnn.build(config, context)
    with torch.no_grad():
        model(batch(NOTES, 9))  # so that the running statistics are not those of the beginning
        model.label_attention.queries.mul_(3)
    return model.eval(), {name: value.numpy().astype(np.float64) for name, value in model.state_dict().items()}


def batch(notes: list[list[int]], width: int) -> Batch:
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    return Batch(tokens, tokens != PAD)


@pytest.mark.parametrize("chosen", [[0, 1, 2], [0], [1]])
def test_logits_and_attention_are_those_of_the_paper(vectors: Path, chosen: list[int]) -> None:
    model, weights = build(vectors)
    scores = model(batch([NOTES[i] for i in chosen], 11), attention_codes=torch.arange(3))
    for row, i in enumerate(chosen):
        logits, attention = naive(weights, NOTES[i], NAMED[i])
        np.testing.assert_allclose(scores.logits[row].detach(), logits, atol=1e-5)
        count = len(NOTES[i])
        expected = attention[:, :count].copy()
        for place, (start, end) in enumerate([[(2, 3), (5, 7)], [], [(0, 3)]][i]):
            expected[:, start:end] += attention[:, count + place, None] / (end - start)
        np.testing.assert_allclose(scores.attention[row, :, :count].detach(), expected, atol=1e-5)


def test_one_note_may_weigh_the_words_of_all(vectors: Path, tmp_path: Path) -> None:
    first = tmp_path / "first.txt"
    first.write_text("heart heart failure and he fever")
    model, weights = build(vectors, weighing_note=first, weighted_terms=5)
    # Notes hold words the more often, the later they stand in VOCABULARY: the five commonest begin with "htn".
    commonest = set(range(2 + VOCABULARY.index("htn"), WORDS))
    terms = weighed(weights, encode("heart heart failure and he fever").tolist(), commonest)
    assert sorted(terms) == sorted(2 + VOCABULARY.index(word) for word in ("heart", "failure", "and"))
    logits = model(batch(NOTES, 11)).logits.detach()
    for row, (note, named) in enumerate(zip(NOTES, NAMED, strict=True)):
        np.testing.assert_allclose(logits[row], naive(weights, note, named, terms)[0], atol=1e-5)
    bare = kg_multirescnn.Config(embedding=4, kernels=KERNELS, blocks=(4, 3), entities=SLOTS, weighing_note=first)
    loaded = kg_multirescnn.build(bare, ModelContext(WORDS, LabelSpace(CODES))).eval()
    first.unlink()
    loaded.load_state_dict(model.state_dict())
    assert torch.equal(loaded(batch(NOTES, 11)).logits, model(batch(NOTES, 11)).logits)
    with pytest.raises(InputError, match="cannot be read"):
        build(vectors, weighing_note=first)


def test_vectors_are_those_of_the_file_at_length_one(vectors: Path) -> None:
    table = build(vectors)[0].vectors
    np.testing.assert_allclose(table.detach(), [[0.6, 0.8, 0], [0, 0, 1], [1, 0, 0]], atol=1e-6)


def test_without_a_file_the_graph_of_codes_is_embedded() -> None:
    model, _ = build(None, graph_width=6, graph_epochs=2)
    assert model.vectors.shape[1] == 6
    assert len(model.vectors) >= 3
    found = model.phrases(batch(NOTES, 9).tokens, batch(NOTES, 9).mask, SLOTS).entity
    assert (found >= 0).sum(1).tolist() == [2, 0, 1]


def test_a_vocabulary_that_names_no_entity_reads_the_words_alone(vectors: Path) -> None:
    torch.manual_seed(0)
    config = kg_multirescnn.Config(embedding=4, kernels=KERNELS, blocks=(4, 3), vectors=vectors)
    nothing = ModelContext(WORDS, LabelSpace(CODES), encode=lambda text: np.ones(1, dtype=np.int32))
    model = kg_multirescnn.build(config, nothing).eval()
    weights = {name: value.numpy().astype(np.float64) for name, value in model.state_dict().items()}
    logits = model(batch(NOTES, 9)).logits.detach()
    for row, note in enumerate(NOTES):
        np.testing.assert_allclose(logits[row], naive(weights, note, [])[0], atol=1e-5)


def test_vectors_may_go_by_names_of_their_own(vectors: Path, tmp_path: Path) -> None:
    qid, names = tmp_path / "wikidata.tsv", tmp_path / "names.tsv"
    numbered = {name: f"Q{number}" for number, name in enumerate(VECTORS)}
    qid.write_text("".join(f"{numbered[n]}\t{' '.join(map(str, v))}\n" for n, v in VECTORS.items()))
    names.write_text("".join(f"{number}\t{name}\n" for name, number in numbered.items()))
    torch.testing.assert_close(build(qid, vector_names=names)[0].vectors, build(vectors)[0].vectors)
    with pytest.raises(InputError, match="its first name is Q0"):
        build(qid)
