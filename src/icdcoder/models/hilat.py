"""HiLAT: hierarchical label-wise attention, over the tokens of each chunk and then over the chunks.

Liu, Perez-Concha, Nguyen, Bennett and Jorm, "Hierarchical label-wise attention transformer model for explainable ICD
coding", Journal of Biomedical Informatics 133, 2022, arXiv 2204.10716. For the states T_i of chunk i and code ℓ:

    Z_i = tanh(W T_i)             A_i = softmax(U Z_i), over the chunk's tokens          c_iℓ = T_i a_iℓ
    β_ℓ = softmax_i(u' · tanh(W' c_iℓ)), over the chunks; W' and u' are shared by all codes
    d_ℓ = Σ_i β_iℓ c_iℓ           logit_ℓ = w_ℓ · d_ℓ + b_ℓ

with dropout on T, c and d, ten chunks of 512 tokens, and ClinicalPlusXLNet.

Where the authors' code does otherwise:
- Every note has ten chunks there, some of nothing but special tokens and padding, and all of these get attention. Here
  a note has as many chunks as it needs, and tokens alone are read; `attend_padding = true` repeats the code.
- Its preparation, as its instructions ask for it, makes each chunk of one of ten groups of sections, cut to its first
  510 tokens; the paper's equations know chunks alone, and here they run on. `chunk_by = "sections"` repeats that, by
  our headings (text/channels/section_groups.py). What else it does to the text is not repeated: it leaves out words
  without a letter, and lines of an addendum that the note has already.
- Its option to begin with U from the codes' titles is overwritten by its initialisation, and has no part here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from icdcoder.core.config import Settings
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.dropout import Dropout
from icdcoder.nn.label_attention import attention
from icdcoder.nn.label_reading import label_reading
from icdcoder.nn.pretrained.chunks import Chunks, grouped
from icdcoder.nn.pretrained.loading import load_pretrained
from icdcoder.nn.pretrained.token_encoder import Chunking, TokenEncoder

SPREAD = 0.03  # standard deviation of the initial matrices
CHUNKS = 10  # of each note, in the authors' code
SECTION_GROUPS = "section_groups"
# Elements of "chunk code hidden" that are computed together; of more, only what is read by attention is kept.
TILE = 4_000_000


class Config(Settings):
    """The authors' sizes; they read ten chunks of a note (text.max_tokens = 5100).

    checkpoint: folder of the pretrained model. architecture: what a packed coder holds in its place. chunk: in tokens,
    with two special ones. state_dropout: of the encoder's states; attention_dropout: of what is read by attention.
    attend_padding: ten chunks of each note, with attention to special tokens and padding too. chunk_by: "sections" has
    a chunk of each group of sections, see above. Of a long group the end is not read; text.max_tokens should then be
    large, so that the last groups are.
    """

    checkpoint: Path | None = None
    architecture: dict[str, Any] | None = None
    chunk: int = Field(512, gt=0)
    state_dropout: float = Field(0.1, ge=0, lt=1)
    attention_dropout: float = Field(0.1, ge=0, lt=1)
    attend_padding: bool = False
    chunk_by: Literal["length", "sections"] = "length"
    gradient_checkpointing: bool = False


def build(config: Config, context: ModelContext) -> HiLAT:
    """Raises ConfigError where the checkpoint is missing or does not fit, MissingExtraError without [llm]."""
    pretrained = load_pretrained(config.checkpoint, config.architecture, context.vocabulary_size, encode=context.encode)
    encoder = TokenEncoder(pretrained, Chunking(config.chunk), checkpointing=config.gradient_checkpointing)
    return HiLAT(
        encoder,
        len(context.space),
        state_dropout=config.state_dropout,
        attention_dropout=config.attention_dropout,
        attend_padding=config.attend_padding,
        by_sections=config.chunk_by == "sections",
    )


class HiLAT(nn.Module):
    """by_sections: needs the channel that tells the group of each token's section."""

    def __init__(
        self,
        encoder: TokenEncoder,
        codes: int,
        *,
        state_dropout: float = 0.0,
        attention_dropout: float = 0.0,
        attend_padding: bool = False,
        by_sections: bool = False,
    ) -> None:
        super().__init__()
        hidden = encoder.hidden
        self.encoder = encoder
        self.token_keys = nn.Linear(hidden, hidden, bias=False)
        self.chunk_keys = nn.Linear(hidden, hidden, bias=False)
        self.token_queries = nn.Parameter(torch.empty(codes, hidden))
        self.chunk_query = nn.Parameter(torch.empty(hidden))
        self.weights = nn.Parameter(torch.empty(codes, hidden))
        self.bias = nn.Parameter(torch.zeros(codes))
        self.state_dropout = Dropout(state_dropout)
        self.attention_dropout = Dropout(attention_dropout)
        self.attend_padding = attend_padding
        self.CHANNELS = (SECTION_GROUPS,) if by_sections else ()
        for matrix in (
            self.token_keys.weight,
            self.chunk_keys.weight,
            self.token_queries,
            self.chunk_query,
            self.weights,
        ):
            nn.init.normal_(matrix, 0.0, SPREAD)

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        chunks = self._by_sections(batch) if self.CHANNELS else None
        if self.attend_padding:
            chunks, states = self.encoder.filled(batch.tokens, batch.mask, CHUNKS, chunks=chunks)
        else:
            chunks, states = self.encoder.chunked(batch.tokens, batch.mask, chunks)
        with torch.autocast(states.device.type, enabled=False):  # differences of large scores decide the attention
            states = self.state_dropout(states.to(self.token_queries.dtype))
            keys = torch.tanh(self.token_keys(states))
            logits = torch.cat([self._tile(chunks, keys, states, tile) for tile in self._tiles(len(chunks))], 1)
            if attention_codes is None:
                return Scores(logits)
            queries = self.token_queries[attention_codes]
            shares = self._shares(chunks, label_reading(keys, states, chunks.mask, queries))
            weighed = attention(keys, chunks.mask, queries) * shares[..., None]
            return Scores(logits, chunks.restore(weighed.transpose(1, 2)).transpose(1, 2))

    def _by_sections(self, batch: Batch) -> Chunks:
        assert self.encoder.payload is not None
        group = batch.channels.get(SECTION_GROUPS, torch.zeros_like(batch.tokens)) * batch.mask
        return grouped(group, CHUNKS, self.encoder.payload, full=self.attend_padding)

    def _tiles(self, chunks: int) -> list[slice]:
        codes = len(self.bias)
        size = max(1, TILE // max(1, chunks * self.weights.shape[1]))
        return [slice(start, min(codes, start + size)) for start in range(0, codes, size)]

    def _tile(
        self,
        chunks: Chunks,
        keys: Float[Tensor, "chunk token hidden"],
        states: Float[Tensor, "chunk token hidden"],
        tile: slice,
    ) -> Float[Tensor, "note tile"]:
        """Logits of some codes. What they read of each chunk is kept for the backward pass, and nothing else."""
        read = label_reading(keys, states, chunks.mask, self.token_queries[tile])
        if not torch.is_grad_enabled():
            return self._scored(chunks, read, tile)
        return checkpoint(self._scored, chunks, read, tile, use_reentrant=False)

    def _scored(
        self, chunks: Chunks, read: Float[Tensor, "chunk tile hidden"], tile: slice
    ) -> Float[Tensor, "note tile"]:
        read = self.attention_dropout(read)
        weighed = self._shares(chunks, read)[..., None] * read
        whole = read.new_zeros(len(chunks.per_note), *read.shape[1:]).index_add(0, chunks.note, weighed)
        return (self.attention_dropout(whole) * self.weights[tile]).sum(2) + self.bias[tile]

    def _shares(self, chunks: Chunks, read: Float[Tensor, "chunk code hidden"]) -> Float[Tensor, "chunk code"]:
        return _softmax_of_chunks(torch.tanh(self.chunk_keys(read)) @ self.chunk_query, chunks)


def _softmax_of_chunks(scores: Float[Tensor, "chunk code"], chunks: Chunks) -> Float[Tensor, "chunk code"]:
    """For each code, softmax over the chunks of a note."""
    notes, codes = len(chunks.per_note), scores.shape[1]
    row = chunks.note[:, None].expand(-1, codes)
    highest = (
        scores.detach().new_zeros(notes, codes).scatter_reduce(0, row, scores.detach(), "amax", include_self=False)
    )
    exponentials = (scores - highest[chunks.note]).exp()
    sums = exponentials.new_zeros(notes, codes).index_add(0, chunks.note, exponentials)
    return exponentials / sums[chunks.note]
