"""A classifier with a stretched context finds evidence where its checkpoint never read."""

from __future__ import annotations

import random
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.core.note import Note
from icdcoder.core.prediction import CoderName
from icdcoder.explain import attention, occlusion
from icdcoder.models import llm_classifier
from icdcoder.nn.batching import TokenisedNotes
from icdcoder.nn.contract import ModelContext
from icdcoder.nn.losses import binary_cross_entropy
from icdcoder.predictors.neural import NeuralPredictor
from icdcoder.text.readers.subwords import Subwords

SPACE = LabelSpace([Code("icd10cm", "I10"), Code("icd10cm", "E11.9")])
WORDS = ("hypertension", "diabetes")
FILLER = "no fever chills discharged home in stable condition treated with fluids".split()
TRAINED = 64  # tokens, of the tiny checkpoint
LONG = 256


@pytest.mark.parametrize("method", [attention, occlusion])
def test_evidence_is_found_behind_the_trained_length(checkpoints: dict[str, Path], method: ModuleType) -> None:
    predictor, draw = _predictor(checkpoints["llama"]), random.Random(0)
    reads = [predictor.read(Note(str(i), _note(draw, WORDS[i % 2]))) for i in range(24)]
    gold = [np.array([i % 2], dtype=np.int32) for i in range(24)]
    notes = TokenisedNotes([read.tokens for read in reads], len(SPACE), gold)
    optimiser = torch.optim.Adam(predictor.model.parameters(), lr=0.01)
    for step in range(60):
        batch = notes.batch(range(8 * (step % 3), 8 * (step % 3) + 8))
        optimiser.zero_grad()
        binary_cross_entropy(predictor.model(batch), batch).backward()
        optimiser.step()
    note, code = Note("new", _note(draw, WORDS[0])), SPACE.codes[0]
    told = note.text.index(WORDS[0])
    assert predictor.read(note).offsets[TRAINED, 0] < told
    found = method.explain(predictor, note, [code])[code][0]
    assert found.start < told + len(WORDS[0])
    assert found.end > told
    assert note.text[found.start : found.end] == found.text


def _predictor(checkpoint: Path) -> NeuralPredictor:
    torch.manual_seed(0)
    config = llm_classifier.Config(checkpoint=checkpoint, pooling="label_attention", tuning="full", context=LONG)
    reader = Subwords.load(checkpoint)
    model = llm_classifier.build(config, ModelContext(reader.size, SPACE)).eval()
    return NeuralPredictor(CoderName("x", "1"), model, reader, SPACE, 0.5, LONG - 2, {}, "")


def _note(draw: random.Random, word: str) -> str:
    """All but the one word is the same in notes of every code."""
    return " ".join([*draw.choices(FILLER, k=60), word, *draw.choices(FILLER, k=draw.randint(6, 12))])
