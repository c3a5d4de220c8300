"""Word vectors of a note's tokens, drawn at random or given, trained or frozen."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from icdcoder.core.errors import ConfigError
from icdcoder.nn.contract import PAD, ModelContext
from icdcoder.nn.dropout import Dropout


class WordEmbedding(nn.Module):
    """Tokens → vectors, then dropout. Padding has the zero vector, whatever its token.

    vocabulary_size: PAD and UNKNOWN included. vectors: initial values; None draws them from N(0, 1), as torch does.
    frozen: the vectors are not trained.
    """

    def __init__(
        self,
        vocabulary_size: int,
        width: int,
        dropout: float = 0.0,
        vectors: Float[Tensor, "word width"] | None = None,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, width, padding_idx=PAD)
        if vectors is not None:
            with torch.no_grad():
                self.embedding.weight.copy_(vectors)
                self.embedding.weight[PAD] = 0.0
        self.embedding.weight.requires_grad_(not frozen)
        self.dropout = Dropout(dropout)

    def forward(
        self, tokens: Int[Tensor, "note token"], mask: Bool[Tensor, "note token"]
    ) -> Float[Tensor, "note token width"]:
        return self.dropout(self.embedding(tokens.masked_fill(~mask, PAD)))


def embed_words(context: ModelContext, width: int, dropout: float, frozen: bool) -> WordEmbedding:
    """The word embedding for a model's `build`. Raises ConfigError where the setting and the given vectors disagree.

    A context without `encode` is that of a model whose weights come from a file: frozen vectors are among them.
    """
    vectors = context.word_vectors
    if vectors is None:
        if frozen and context.encode is not None:
            raise ConfigError("'freeze_words' needs word vectors, and none are given: random vectors must be trained.")
    elif tuple(vectors.shape) != (context.vocabulary_size, width):
        raise ConfigError(
            f"The word vectors are {vectors.shape[0]} × {vectors.shape[1]}, but the model is configured for "
            f"{context.vocabulary_size} words × {width}. Set 'embedding' to {vectors.shape[1]}, or give other vectors."
        )
    return WordEmbedding(context.vocabulary_size, width, dropout, vectors, frozen)
