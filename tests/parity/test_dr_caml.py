"""DR-CAML against its equations, written out in numpy one note, one code and one position at a time."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import dr_caml
from icdcoder.nn.contract import PAD, Batch, ModelContext

CODES = [Code("icd9cm", value) for value in ("401.9", "428.0", "427.31", "250.00")] + [Code("icd9pcs", "38.93")]
VOCABULARY = "venous failure hypertension fibrillation atrial congestive unspecified heart diabetes essential".split()
WORDS = len(VOCABULARY) + 2


def encode(text: str) -> np.ndarray:
    known = {word: i + 2 for i, word in enumerate(VOCABULARY)}
    words = text.lower().replace(",", " ").split()
    return np.array([known.get(word, 1) for word in words], dtype=np.int32)


def convolved(weights: dict[str, np.ndarray], name: str, words: list[np.ndarray]) -> list[np.ndarray]:
    filters, bias = weights[f"{name}.convolution.weight"], weights[f"{name}.convolution.bias"]
    kernel, states = filters.shape[2], []
    for n in range(len(words)):
        state = bias.astype(np.float64)
        for j in range(kernel):
            if 0 <= n - kernel // 2 + j < len(words):
                state = state + filters[:, :, j] @ words[n - kernel // 2 + j]
        states.append(np.tanh(state))
    return states


def described(weights: dict[str, np.ndarray], tokens: list[int]) -> np.ndarray:
    """tokens: padding, where there is any, is read as the word vector that it has, of zeros."""
    words = [weights["description_encoder.words.embedding.weight"][token] for token in tokens]
    strongest = np.max(convolved(weights, "description_encoder.convolution", words), axis=0)
    return weights["description_encoder.output.weight"] @ strongest + weights["description_encoder.output.bias"]


def naive(weights: dict[str, np.ndarray], note: list[int]) -> np.ndarray:
    states = convolved(weights, "convolution", [weights["words.embedding.weight"][token] for token in note])
    logits = []
    matrices = (weights[f"label_attention.{name}"] for name in ("queries", "weights", "bias"))
    for query, weight, bias in zip(*matrices, strict=True):
        shares = [math.exp(query @ state) for state in states]
        logits.append(weight @ sum(s * state for s, state in zip(shares, states, strict=True)) / sum(shares) + bias)
    return np.array(logits)


def build(code_notes: list[int] | None = None, **settings: object) -> tuple[dr_caml.DRCAML, dict[str, np.ndarray]]:
    torch.manual_seed(0)
    config = dr_caml.Config(
        **{"embedding": 7, "filters": 5, "kernel": 4, "dropout": 0.0, "regulariser": 0.7} | settings
    )
    context = ModelContext(WORDS, LabelSpace(CODES), encode=encode, code_notes=code_notes)
    model = dr_caml.build(config, context)
    with torch.no_grad():  # so that the two word embeddings are not equal
        model.words.embedding.weight[2:].mul_(1.5)
    return model, {name: value.numpy().copy() for name, value in model.state_dict().items()}


def batch(notes: list[list[int]], width: int) -> Batch:
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    return Batch(tokens, tokens != PAD)


NOTES = [[3, 4, 5, 6, 7, 8, 9, 3, 3, 10, 11, 2], [5], [9, 8, 7, 11, 2]]


@pytest.mark.parametrize("notes", [NOTES, NOTES[:1], NOTES[1:2]])
def test_logits_are_those_of_the_paper(notes: list[list[int]]) -> None:
    model, weights = build()
    scores = model.eval()(batch(notes, 15))
    assert scores.penalty is None
    for i, note in enumerate(notes):
        np.testing.assert_allclose(scores.logits[i].detach(), naive(weights, note), atol=1e-5)


def test_the_penalty_is_that_of_the_paper() -> None:
    model, weights = build()
    gold = [[0, 2], [], [0, 3, 4]]
    targets = torch.zeros(3, len(CODES))
    for row, codes in zip(targets, gold, strict=True):
        row[codes] = 1.0
    given = batch(NOTES, 15)
    penalty = model(Batch(given.tokens, given.mask, targets)).penalty
    expected = 0.0
    for codes in gold:
        for code in codes:
            tokens = [t for t in weights["descriptions"][code].tolist() if t != PAD]
            apart = weights["label_attention.weights"][code] - described(weights, tokens)
            expected += 0.7 * float(apart @ apart) / 5 / 3
    assert expected > 0.1
    np.testing.assert_allclose(penalty.item(), expected, rtol=1e-5)


@pytest.mark.parametrize(("set_order", "pool_padding"), [(True, False), (False, True), (True, True)])
def test_descriptions_are_misaligned_and_filled_up_on_demand(set_order: bool, pool_padding: bool) -> None:
    codes = [Code("icd9cm", f"{200 + i}") for i in range(40)]
    space = LabelSpace(codes)
    texts = {code: " ".join(VOCABULARY[i % 7 : i % 7 + 1 + i % 4]) for i, code in enumerate(codes)}
    torch.manual_seed(0)
    config = dr_caml.Config(
        embedding=7, filters=5, kernel=4, dropout=0, regulariser=0.7, set_order=set_order, pool_padding=pool_padding
    )
    model = dr_caml.build(config, ModelContext(WORDS, space, encode=encode))
    width = model.descriptions.shape[1]
    for row, code in zip(model.descriptions, space, strict=True):
        numbers = encode(texts[code]).tolist()
        row.copy_(torch.tensor(numbers + [PAD] * (width - len(numbers))))
    weights = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    gold = [[3, 8, 33], [], [1, 17, 32, 39], [5]]
    assert any(list(set(one)) != one for one in gold)
    targets = torch.zeros(4, 40)
    for row, one in zip(targets, gold, strict=True):
        row[one] = 1.0
    given = batch([*NOTES, [3, 4]], 15)
    expected = 0.0
    for one in gold:
        order = list(set(one)) if set_order else one
        found = {code: [t for t in weights["descriptions"][code].tolist() if t != PAD] for code in one}
        longest = max(map(len, found.values()), default=0)
        for weight, text in zip(one, order, strict=True):
            tokens = found[text] + [PAD] * (longest - len(found[text])) * pool_padding
            apart = weights["label_attention.weights"][weight] - described(weights, tokens)
            expected += 0.7 * float(apart @ apart) / 5 / 4
    penalty = model(Batch(given.tokens, given.mask, targets)).penalty
    np.testing.assert_allclose(penalty.item(), expected, atol=1e-5)
    model.set_order = model.pool_padding = False
    assert abs(model(Batch(given.tokens, given.mask, targets)).penalty.item() - expected) > 1e-4


def test_codes_without_training_notes_are_filled_up_to_the_longest_of_them() -> None:
    model, weights = build(code_notes=[3, 0, 1, 0, 0], pool_padding=True)
    rows = {code: [t for t in weights["descriptions"][code].tolist() if t != PAD] for code in (1, 3, 4)}
    longest = max(map(len, rows.values()))
    for code, tokens in rows.items():
        weights["label_attention.weights"][code] = described(weights, tokens + [PAD] * (longest - len(tokens)))
        weights["label_attention.bias"][code] = 0.0
    logits = model.eval()(batch(NOTES, 12)).logits
    np.testing.assert_allclose(logits[0].detach(), naive(weights, NOTES[0]), atol=1e-5)


def test_descriptions_are_those_of_the_codes_and_are_cut() -> None:
    table = build(description_tokens=2)[0].descriptions
    assert table.shape == (5, 2)
    assert table[1].tolist() == [2 + VOCABULARY.index("congestive"), 2 + VOCABULARY.index("heart")]
    assert table[2].tolist() == [2 + VOCABULARY.index("atrial"), 2 + VOCABULARY.index("fibrillation")]


def test_a_file_brings_better_descriptions_and_a_code_without_words_has_one_unknown(tmp_path: Path) -> None:
    path = tmp_path / "mine.tsv"
    path.write_text("icd9cm:401.9\thypertension heart\nicd9cm:428.0\t.\n")
    context = ModelContext(WORDS, LabelSpace(CODES), encode=lambda text: encode(text.replace(".", " ")))
    config = dr_caml.Config(embedding=7, filters=5, descriptions=path, description_tokens=3)
    table = dr_caml.build(config, context).descriptions
    assert table[0].tolist() == [4, 9, PAD]
    assert table[1].tolist() == [1, PAD, PAD]


def test_a_code_without_training_notes_is_scored_by_its_description() -> None:
    model, weights = build(code_notes=[3, 0, 1, 1, 1])
    tokens = [t for t in weights["descriptions"][1].tolist() if t != PAD]
    weights["label_attention.weights"][1] = described(weights, tokens)
    weights["label_attention.bias"][1] = 0.0
    logits = model.eval()(batch(NOTES, 12)).logits
    np.testing.assert_allclose(logits[0].detach(), naive(weights, NOTES[0]), atol=1e-5)
    assert torch.equal(model.train()(batch(NOTES, 12)).logits[:, 0], logits[:, 0])


@pytest.mark.parametrize("notes", [NOTES, NOTES[1:2]])
def test_the_trailing_position_of_the_authors_is_read_on_demand(notes: list[list[int]]) -> None:
    model, _ = build(trailing_position=True)
    scores = model.eval()(batch(notes, 15), attention_codes=torch.arange(5))
    for i, note in enumerate(notes):
        words = model.words.embedding(torch.tensor([note])).transpose(1, 2)
        states = torch.tanh(model.convolution.convolution(words)).transpose(1, 2)[0]  # one more than the note has
        assert len(states) == len(note) + 1
        shares = torch.softmax(model.label_attention.queries @ states.T, 1)
        logits = (model.label_attention.weights * (shares @ states)).sum(1) + model.label_attention.bias
        torch.testing.assert_close(scores.logits[i], logits, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(scores.attention[i].sum(1), torch.ones(5))
    one = model.description_encoder(torch.tensor([[3, 4, PAD, PAD]]))
    torch.testing.assert_close(one, model.description_encoder(torch.tensor([[3, 4]])))
