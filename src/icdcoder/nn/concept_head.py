"""Stage 2 of a concept coder: from the scores of concepts to the logits of codes.

Every head takes scores in [0, 1], "note concept", so that an answer that a person changes is one number. What a code
weighs of its own concepts starts from weights that all codes share, one a layer: a code with hardly any training note
is judged as codes are in general, and leaves that only where its notes say so (the own part is penalised).
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

START = 2.0  # what all of a code's concepts of a layer together weigh at first


class SharedWeights(nn.Module):
    """logit = Σ over layers of (weight of the layer) · (mean score of the code's concepts of the layer)."""

    shares: Tensor

    def __init__(self, membership: Bool[Tensor, "code concept"], layers: Int[Tensor, "concept"]) -> None:
        super().__init__()
        kinds = torch.unique(layers)
        own = membership[None] & (layers == kinds[:, None])[:, None]
        self.register_buffer("shares", own.float() / own.sum(2, keepdim=True).clamp_min(1))
        self.weights = nn.Parameter(torch.full((len(kinds),), START))

    def forward(self, scores: Float[Tensor, "note concept"]) -> Float[Tensor, "note code"]:
        return torch.einsum("nk,lck,l->nc", scores, self.shares, self.weights)


class LinearHead(nn.Module):
    """logit_c = shared + b_c + Σ_k w_ck p_k; every weight can be read. own_only: over the code's own concepts."""

    allowed: Tensor

    def __init__(
        self, membership: Bool[Tensor, "code concept"], layers: Int[Tensor, "concept"], own_only: bool
    ) -> None:
        super().__init__()
        self.shared = SharedWeights(membership, layers)
        self.own = nn.Parameter(torch.zeros(membership.shape))
        self.bias = nn.Parameter(torch.full((len(membership),), -START))
        allowed = membership if own_only else torch.ones_like(membership)
        self.register_buffer("allowed", allowed.float())

    def forward(self, scores: Float[Tensor, "note concept"]) -> Float[Tensor, "note code"]:
        return self.shared(scores) + scores @ (self.own * self.allowed).T + self.bias

    def penalty(self) -> Float[Tensor, ""]:
        """What the own part weighs, a mean over codes."""
        return (self.own * self.allowed).square().sum(1).mean()


class MLPHead(nn.Module):
    """logit = shared + b + V relu(U p): concepts act together, at the price that no weight is one concept's."""

    def __init__(self, membership: Bool[Tensor, "code concept"], layers: Int[Tensor, "concept"], hidden: int) -> None:
        super().__init__()
        self.shared = SharedWeights(membership, layers)
        self.first = nn.Linear(membership.shape[1], hidden)
        self.second = nn.Linear(hidden, len(membership))
        nn.init.zeros_(self.second.weight)
        nn.init.constant_(self.second.bias, -START)

    def forward(self, scores: Float[Tensor, "note concept"]) -> Float[Tensor, "note code"]:
        return self.shared(scores) + self.second(torch.relu(self.first(scores)))

    def penalty(self) -> Float[Tensor, ""]:
        return (self.second.weight.square().sum() + self.first.weight.square().sum()) / len(self.second.weight)


class AttentionHead(nn.Module):
    """Label attention over concepts: a_c = softmax of q_c · e_k over the code's own concepts, logit = shared + b_c +
    w_c Σ_k a_ck p_k. A code without a concept has its bias alone."""

    membership: Tensor

    def __init__(self, membership: Bool[Tensor, "code concept"], layers: Int[Tensor, "concept"], hidden: int) -> None:
        super().__init__()
        self.shared = SharedWeights(membership, layers)
        self.queries = nn.Parameter(torch.zeros(len(membership), hidden))
        self.keys = nn.Parameter(torch.randn(membership.shape[1], hidden) * hidden**-0.5)
        self.scale = nn.Parameter(torch.zeros(len(membership)))
        self.bias = nn.Parameter(torch.full((len(membership),), -START))
        self.register_buffer("membership", membership)

    def forward(self, scores: Float[Tensor, "note concept"]) -> Float[Tensor, "note code"]:
        raw = (self.queries @ self.keys.T).masked_fill(~self.membership, torch.finfo(scores.dtype).min)
        attention = torch.softmax(raw, 1) * self.membership
        return self.shared(scores) + self.scale * (scores @ attention.T) + self.bias

    def penalty(self) -> Float[Tensor, ""]:
        return self.queries.square().sum(1).mean() + self.scale.square().mean()


Head = LinearHead | MLPHead | AttentionHead


def build_head(
    kind: str,
    membership: Bool[Tensor, "code concept"],
    layers: Int[Tensor, "concept"],
    *,
    hidden: int,
    own_only: bool,
) -> Head:
    """kind: "linear", "mlp" or "attention"."""
    if kind == "linear":
        return LinearHead(membership, layers, own_only)
    return (MLPHead if kind == "mlp" else AttentionHead)(membership, layers, hidden)


def fit_head(
    head: Head,
    scores: Float[Tensor, "note concept"],
    gold: Float[Tensor, "note code"],
    *,
    steps: int,
    learning_rate: float,
    decay: float,
) -> list[float]:
    """Minimises binary cross-entropy (a sum over codes, a mean over notes) + decay · penalty by Adam over all notes at
    once, and returns the loss of each step. `scores` must be of a first stage that has not seen the note."""
    optimiser = torch.optim.Adam(head.parameters(), lr=learning_rate)
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        terms = nn.functional.binary_cross_entropy_with_logits(head(scores), gold, reduction="none")
        loss = terms.sum(1).mean() + decay * head.penalty()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses
