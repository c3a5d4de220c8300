"""C-MemNN: a condensed memory network, which looks the note up in pages about the codes.

Prakash et al., "Condensed Memory Networks for Clinical Diagnostic Inferencing", AAAI 2017, arXiv 1612.01848. The note
is a bag of words, and so are the pages i of the memory (keys) and their titles (values), with word vectors B, A and C:

    u_1 = mean B x                p_i = softmax_i(mean A page_i · u_k)
    o_k = Σ_i p_i mean C title_i                u_{k+1} = u_k + o_k                for hops k = 1 … K
    condensed:  M = [u_{K+1} ; D_1 u_K ; D_2 D_1 u_{K−1} ; … ; D_K … D_1 u_1]      each D_j halves the width
    averaged:   M = mean of u_1 … u_{K+1}                (the paper's A-MemNN)
    logit = W M + b

This is made after the paper's description; its code is not public, and the width of 500 and the number of hops are from
memory. What we do otherwise:
- The paper's memory is Wikipedia, from which it picks candidate pages by hashing; ours holds one page a code, from our
  knowledge of codes or from the file `pages` (knowledge/memory_pages.py), and all are read.
- Bags of words are means, not sums, so that the length of a text does not decide how sharp a softmax is.
There is no attention over tokens.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from icdcoder.core.config import Settings
from icdcoder.knowledge import memory_pages
from icdcoder.nn.contract import PAD, Batch, ModelContext, Scores
from icdcoder.nn.knowledge_tables import token_table
from icdcoder.nn.word_embedding import WordEmbedding, embed_words


class Config(Settings):
    """embedding: width of words and states, a multiple of 2 to the power of hops. page_tokens, title_tokens: pages and
    titles are cut to so many words. pages: a file of pages (knowledge/code_texts.py); a code may have several lines."""

    embedding: int = Field(512, gt=0)
    freeze_words: bool = False
    hops: int = Field(3, gt=0)
    memory: Literal["condensed", "averaged"] = "condensed"
    dropout: float = Field(0.0, ge=0, lt=1)
    page_tokens: int = Field(200, gt=0)
    title_tokens: int = Field(30, gt=0)
    pages: Path | None = None

    @model_validator(mode="after")
    def _halves(self) -> Config:
        if self.memory == "condensed" and self.embedding % 2**self.hops:
            raise ValueError(
                f"'embedding' must be a multiple of {2**self.hops}, as each of {self.hops} hops halves it."
            )
        return self


def build(config: Config, context: ModelContext) -> CMemNN:
    """Raises ConfigError where given word vectors do not fit the configuration, InputError for a bad file of pages."""
    pages = [memory_pages.Page("", "")] * len(context.space)
    if context.encode is not None:
        pages = memory_pages.of(context.space.codes, config.pages)
    return CMemNN(
        embed_words(context, config.embedding, config.dropout, config.freeze_words),
        config.embedding,
        token_table([page.text for page in pages], config.page_tokens, context),
        token_table([page.title for page in pages], config.title_tokens, context),
        hops=config.hops,
        condensed=config.memory == "condensed",
    )


class CMemNN(nn.Module):
    def __init__(
        self,
        words: WordEmbedding,
        embedding: int,
        pages: Int[Tensor, "code words"],
        titles: Int[Tensor, "code _"],
        *,
        hops: int,
        condensed: bool = True,
    ) -> None:
        super().__init__()
        size = len(words.embedding.weight)
        self.words = words
        self.keys = nn.Embedding(size, embedding, padding_idx=PAD)
        self.values = nn.Embedding(size, embedding, padding_idx=PAD)
        for table in (self.keys, self.values):
            nn.init.normal_(table.weight, 0.0, embedding**-0.5)
        widths = [embedding // 2**hop for hop in range(hops + 1)]
        self.condense = nn.ModuleList(
            nn.Linear(wide, narrow, bias=False)
            for wide, narrow in zip(widths, widths[1:] if condensed else [], strict=False)
        )
        self.output = nn.Linear(sum(widths) if condensed else embedding, len(pages))
        self.hops, self.condensed = hops, condensed
        self.pages: Tensor
        self.titles: Tensor
        self.register_buffer("pages", pages)
        self.register_buffer("titles", titles)

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        words = self.words(batch.tokens, batch.mask)  # padding has the zero vector
        state = words.sum(1) / batch.mask.sum(1, keepdim=True).clamp(min=1)
        keys = embedding_bag(self.pages, self.keys.weight, mode="mean", padding_idx=PAD)
        values = embedding_bag(self.titles, self.values.weight, mode="mean", padding_idx=PAD)
        states = [state]
        for _ in range(self.hops):
            found = torch.softmax((state @ keys.t()).float(), 1)
            state = state + found.to(values.dtype) @ values
            states.append(state)
        return Scores(self.output(self._memory(states)))

    def _memory(self, states: list[Float[Tensor, "note width"]]) -> Float[Tensor, "note memory"]:
        if not self.condensed:
            return torch.stack(states).mean(0)
        found = []
        for age, state in enumerate(reversed(states)):
            for narrower in self.condense[:age]:
                state = narrower(state)
            found.append(state)
        return torch.cat(found, 1)
