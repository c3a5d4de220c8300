"""TF-IDF of a note's words, from their numbers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def inverse_document_frequency(word_notes: Sequence[int], notes: int) -> Float[Tensor, "word"]:
    """ln((1 + notes) / (1 + notes with the word)) + 1, as scikit-learn smooths it."""
    return torch.log((1 + notes) / (1 + torch.tensor(word_notes, dtype=torch.float32))) + 1


def tf_idf(
    tokens: Int[Tensor, "note token"], mask: Bool[Tensor, "note token"], idf: Float[Tensor, "word"], terms: int
) -> Float[Tensor, "note token"]:
    """Of each token's word in its note: count × idf, over the length of the note's vector of these; 0 for words that
    are not among the note's `terms` greatest (of equals, all count), and at padding."""
    words = tokens.masked_fill(~mask, 0)
    row = torch.arange(len(words), device=words.device)[:, None] * len(idf)
    _, where, counts = torch.unique(row + words, return_inverse=True, return_counts=True)
    kind, idf = idf.dtype, idf.float()  # a sum of squares is soon beyond float16
    count = counts[where].to(idf.dtype).masked_fill(~mask, 0.0)
    found = count * idf[words]
    # Each word occurs `count` times: the sum over occurrences of found² / count is that over words of found².
    length = (found * idf[words]).sum(1, keepdim=True).sqrt().clamp(min=1e-12)
    if words.shape[1] > terms:
        at = torch.arange(words.shape[1], device=words.device).expand_as(words)
        first = at.new_full((len(counts),), words.shape[1]).scatter_reduce(0, where.flatten(), at.flatten(), "amin")
        once = found.masked_fill(first[where] != at, 0.0)
        least = once.topk(terms, 1).values[:, -1:]
        found = found.masked_fill(found < least, 0.0)
    return (found / length).to(kind)
