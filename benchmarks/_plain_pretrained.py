"""The systems over a pretrained encoder as their papers write them: chunks of one length, "note code token" is held.

The encoder has the sizes of MiniLM and two layers, so that it does not hide what is compared; its weights are random.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, pad

from _plain_models import PlainOutput, real_codes
from icdcoder.knowledge import hierarchy

HIDDEN = 384


def architecture(words: int) -> dict[str, Any]:
    """What a coder's card holds of the encoder."""
    sizes = {"hidden_size": HIDDEN, "num_hidden_layers": 2, "num_attention_heads": 12, "intermediate_size": 1536}
    return {
        "config": {"model_type": "bert", "vocab_size": words, "max_position_embeddings": 512, **sizes},
        "prefix": [],
        "suffix": [],
    }


class PlainEncoder(nn.Module):
    def __init__(self, words: int, chunk: int) -> None:
        super().__init__()
        from transformers import AutoConfig, AutoModel

        made = dict(architecture(words)["config"])
        self.bert = AutoModel.from_config(AutoConfig.for_model(made.pop("model_type"), **made))
        self.chunk = chunk

    def forward(self, tokens: Tensor) -> Tensor:
        """States "note chunk token hidden"; the last chunk is filled up and read as text."""
        cut = pad(tokens, (0, -tokens.shape[1] % self.chunk)).unflatten(1, (-1, self.chunk))
        return self.bert(cut.flatten(0, 1)).last_hidden_state.unflatten(0, cut.shape[:2])


class PlainPLMICD(nn.Module):
    def __init__(self, words: int, codes: int) -> None:
        super().__init__()
        self.encoder = PlainEncoder(words, 128)
        self.projection = nn.Linear(HIDDEN, HIDDEN, bias=False)
        self.output = PlainOutput(codes, HIDDEN, HIDDEN)

    def forward(self, tokens: Tensor) -> Tensor:
        states = self.encoder(tokens).flatten(1, 2)
        return self.output(torch.tanh(self.projection(states)), states)


class PlainPLMCA(nn.Module):
    def __init__(self, words: int, codes: int) -> None:
        super().__init__()
        self.encoder = PlainEncoder(words, 128)
        self.keys, self.values = nn.Linear(HIDDEN, HIDDEN, bias=False), nn.Linear(HIDDEN, HIDDEN)
        self.queries = nn.Parameter(0.03 * torch.randn(codes, HIDDEN))
        self.norm, self.output = nn.LayerNorm(HIDDEN), nn.Linear(HIDDEN, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        states = self.encoder(tokens).flatten(1, 2)
        attention = torch.softmax(self.queries @ self.keys(states).transpose(1, 2), 2)
        return self.output(self.norm(attention @ self.values(states))).squeeze(2)


class PlainHiLAT(nn.Module):
    def __init__(self, words: int, codes: int) -> None:
        super().__init__()
        self.encoder = PlainEncoder(words, 512)
        self.token_keys, self.chunk_keys = (nn.Linear(HIDDEN, HIDDEN, bias=False) for _ in range(2))
        self.token_queries = nn.Parameter(0.03 * torch.randn(codes, HIDDEN))
        self.chunk_query = nn.Parameter(0.03 * torch.randn(HIDDEN))
        self.final = nn.Linear(HIDDEN, codes)

    def forward(self, tokens: Tensor) -> Tensor:
        states = self.encoder(tokens)
        attention = torch.softmax(self.token_queries @ torch.tanh(self.token_keys(states)).transpose(2, 3), 3)
        read = attention @ states  # note chunk code hidden
        shares = torch.softmax(torch.tanh(self.chunk_keys(read)) @ self.chunk_query, 1)
        return (self.final.weight * (shares[..., None] * read).sum(1)).sum(2) + self.final.bias


class PlainXRLAT(nn.Module):
    """All four levels at once, each with an attention over all its nodes, as before candidates are chosen."""

    def __init__(self, words: int, codes: int) -> None:
        super().__init__()
        self.encoder = PlainEncoder(words, 512)
        levels = hierarchy.chain(real_codes(codes))
        self.keys = nn.ModuleList(nn.Linear(HIDDEN, HIDDEN, bias=False) for _ in levels)
        self.outputs = nn.ModuleList(PlainOutput(len(level.names), HIDDEN, HIDDEN) for level in levels)
        self.above: list[Tensor] = []

    def forward(self, tokens: Tensor) -> Tensor:
        states = self.encoder(tokens).flatten(1, 2)
        pairs = zip(self.keys, self.outputs, strict=True)
        *self.above, codes = [output(torch.tanh(keys(states)), states) for keys, output in pairs]
        return codes

    def penalty(self, targets: Tensor) -> Tensor:
        """The loss of the levels above; which of their nodes are gold costs nothing."""
        return torch.stack([binary_cross_entropy_with_logits(one, torch.zeros_like(one)) for one in self.above]).sum()


PRETRAINED = {"xr_lat": PlainXRLAT, "plm_icd": PlainPLMICD, "plm_ca": PlainPLMCA, "hilat": PlainHiLAT}
