from __future__ import annotations

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer

from icdcoder.nn.term_weights import inverse_document_frequency, tf_idf

NOTES = [[2, 3, 3, 4, 5, 5, 5, 2], [4], [6, 6, 2, 7]]


def test_weights_are_those_of_scikit_learn() -> None:
    reference = TfidfVectorizer(tokenizer=str.split, token_pattern=None, lowercase=False)
    expected = reference.fit_transform([" ".join(map(str, note)) for note in NOTES]).toarray()
    column = reference.vocabulary_
    idf = inverse_document_frequency([sum(word in note for note in NOTES) for word in range(8)], 3)
    tokens = torch.tensor([note + [5] * (9 - len(note)) for note in NOTES])
    mask = torch.tensor([[i < len(note) for i in range(9)] for note in NOTES])
    found = tf_idf(tokens, mask, idf, 100)
    for row, note in enumerate(NOTES):
        np.testing.assert_allclose(found[row, : len(note)], [expected[row, column[str(w)]] for w in note], atol=1e-6)
        assert not found[row, len(note) :].any()


def test_only_the_greatest_words_of_a_note_count() -> None:
    tokens = torch.tensor([[2, 3, 3, 4, 5, 5, 5, 2]])
    found = tf_idf(tokens, tokens > 0, torch.ones(8), 2)
    every = tf_idf(tokens, tokens > 0, torch.ones(8), 9)
    torch.testing.assert_close(found, every.where((tokens == 5) | (tokens == 3) | (tokens == 2), 0.0))
    assert not tf_idf(tokens, tokens < 0, torch.ones(8), 2).any()


def test_a_word_said_often_does_not_leave_float16() -> None:
    tokens = torch.tensor([[2] * 100 + [3]])
    idf = torch.full((8,), 6.0)
    found = tf_idf(tokens, tokens > 0, idf.half(), 9)
    assert found.dtype == torch.float16
    torch.testing.assert_close(found.float(), tf_idf(tokens, tokens > 0, idf, 9), atol=1e-3, rtol=1e-3)
    assert not tf_idf(tokens, tokens < 0, idf.half(), 9).any()
