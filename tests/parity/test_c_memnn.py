"""C-MemNN against its equations, written out in numpy one note, one page and one hop at a time."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import c_memnn
from icdcoder.nn.contract import PAD, Batch, ModelContext

CODES = [Code("icd9cm", value) for value in ("401.9", "428.0", "Q00")]
WORDS, WIDTH, HOPS = 30, 8, 2


def encode(text: str) -> np.ndarray:
    return np.array([2 + len(word) % (WORDS - 2) for word in text.split()], dtype=np.int32)


def mean(table: np.ndarray, tokens: list[float]) -> np.ndarray:
    rows = [table[int(token)] for token in tokens if token != PAD]
    return sum(rows, np.zeros(WIDTH)) / max(1, len(rows))


def naive(weights: dict[str, np.ndarray], note: list[int], condensed: bool) -> np.ndarray:
    states = [mean(weights["words.embedding.weight"], note)]
    for _ in range(HOPS):
        likeness = [math.exp(mean(weights["keys.weight"], page) @ states[-1]) for page in weights["pages"].tolist()]
        titles = [mean(weights["values.weight"], title) for title in weights["titles"].tolist()]
        read = sum(share * title for share, title in zip(likeness, titles, strict=True)) / sum(likeness)
        states.append(states[-1] + read)
    if condensed:
        first, second = weights["condense.0.weight"], weights["condense.1.weight"]
        memory = np.concatenate([states[2], first @ states[1], second @ first @ states[0]])
        assert len(memory) == WIDTH + WIDTH // 2 + WIDTH // 4
    else:
        memory = np.mean(states, axis=0)
    return weights["output.weight"] @ memory + weights["output.bias"]


def build(**settings: object) -> tuple[c_memnn.CMemNN, dict[str, np.ndarray]]:
    torch.manual_seed(0)
    config = c_memnn.Config(embedding=WIDTH, hops=HOPS, **settings)
    model = c_memnn.build(config, ModelContext(WORDS, LabelSpace(CODES), encode=encode)).eval()
    with torch.no_grad():  # so that the pages are far from alike
        model.keys.weight.mul_(5)
    return model, {name: value.numpy().astype(np.float64) for name, value in model.state_dict().items()}


def batch(notes: list[list[int]], width: int) -> Batch:
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    return Batch(tokens, tokens != PAD)


NOTES = [[3, 4, 5, 6, 7, 8, 9, 3, 3, 20, 21, 22], [5], [9, 8, 7, 24, 2]]


@pytest.mark.parametrize("memory", ["condensed", "averaged"])
@pytest.mark.parametrize("notes", [NOTES, NOTES[:1], NOTES[1:2], [[]]])
def test_logits_are_those_of_the_paper(memory: str, notes: list[list[int]]) -> None:
    model, weights = build(memory=memory)
    scores = model(batch(notes, 15), attention_codes=torch.tensor([0]))
    assert scores.attention is None
    for i, note in enumerate(notes):
        np.testing.assert_allclose(scores.logits[i].detach(), naive(weights, note, memory == "condensed"), atol=1e-5)


def test_pages_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pages.tsv"
    path.write_text("icd9cm:401.9\ta bb ccc\nicd9cm:401.9\tdddd\n")
    model, _ = build(pages=path, page_tokens=6)
    assert model.pages[0].tolist() == [3, 4, 5, 6, PAD, PAD]
    assert model.pages[2].tolist() == [1, PAD, PAD, PAD, PAD, PAD]  # nothing is known of it
    assert model.titles[2, 0] == 1


def test_a_width_that_cannot_be_halved_is_refused() -> None:
    with pytest.raises(ValidationError, match="multiple of 8"):
        c_memnn.Config(embedding=12)
    assert c_memnn.Config(embedding=12, memory="averaged").hops == 3
