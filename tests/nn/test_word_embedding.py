from __future__ import annotations

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError
from icdcoder.core.label_space import LabelSpace
from icdcoder.nn.contract import PAD, ModelContext
from icdcoder.nn.word_embedding import WordEmbedding, embed_words

SPACE = LabelSpace([Code("icd10cm", "I10")])


def test_padding_has_the_zero_vector_whatever_its_token() -> None:
    words = WordEmbedding(9, 4, vectors=torch.ones(9, 4))
    found = words(torch.tensor([[3, 8, 5]]), torch.tensor([[True, False, True]]))
    assert found[0, 0].tolist() == [1.0] * 4
    assert not found[0, 1].any()


def test_padding_stays_zero_through_training() -> None:
    words = WordEmbedding(9, 4)
    optimiser = torch.optim.SGD(words.parameters(), lr=1.0)
    words(torch.tensor([[3, PAD]]), torch.tensor([[True, False]])).sum().backward()
    optimiser.step()
    assert not words.embedding.weight[PAD].any()


def test_dropout_is_active_in_training_only() -> None:
    words = WordEmbedding(9, 50, dropout=0.5)
    tokens, mask = torch.tensor([[3, 4]]), torch.ones(1, 2, dtype=torch.bool)
    assert (words(tokens, mask) == 0).any()
    assert not (words.eval()(tokens, mask) == 0).any()


def test_frozen_vectors_have_no_gradient() -> None:
    assert not WordEmbedding(9, 4, vectors=torch.ones(9, 4), frozen=True).embedding.weight.requires_grad


@pytest.mark.parametrize("vectors", [torch.ones(9, 5), torch.ones(8, 4)])
def test_vectors_of_another_size_are_refused(vectors: torch.Tensor) -> None:
    with pytest.raises(ConfigError, match="9 words × 4"):
        embed_words(ModelContext(9, SPACE, vectors), 4, 0.0, False)


def test_random_vectors_cannot_be_frozen() -> None:
    with pytest.raises(ConfigError, match="freeze_words"):
        embed_words(ModelContext(9, SPACE, encode=lambda text: np.zeros(0, dtype=np.int32)), 4, 0.0, True)


def test_frozen_vectors_that_come_from_a_file_need_none_at_first() -> None:
    words = embed_words(ModelContext(9, SPACE), 4, 0.0, True)
    assert not words.embedding.weight.requires_grad
