from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.nn.contract import PAD, UNKNOWN, ModelContext
from icdcoder.nn.knowledge_tables import sized_by_state, token_table

SPACE = LabelSpace([Code("icd9cm", "401.9")])


def encode(text: str) -> np.ndarray:
    return np.array([len(word) + 1 for word in text.split()], dtype=np.int32)


def test_texts_are_cut_and_filled_up() -> None:
    table = token_table(["a bb ccc dddd", "bb", ""], 3, ModelContext(9, SPACE, encode=encode))
    assert table.tolist() == [[2, 3, 4], [3, PAD, PAD], [UNKNOWN, PAD, PAD]]


def test_without_an_encoder_the_table_waits_for_its_state() -> None:
    assert not token_table(["a bb", "c"], 4, ModelContext(9, SPACE)).any()


def test_named_tensors_take_their_size_from_the_state() -> None:
    small, large = nn.Linear(2, 3), nn.Linear(2, 5)
    with pytest.raises(RuntimeError, match="size mismatch"):
        small.load_state_dict(large.state_dict())
    nested = nn.Sequential(small)
    sized_by_state(small, "weight", "bias")
    nested.load_state_dict(nn.Sequential(large).state_dict())
    assert torch.equal(small.weight, large.weight)
    assert small.weight.requires_grad
