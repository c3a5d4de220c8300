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
LEAST = 1e-5  # probabilities nearer to 0 or 1 are not told apart


class OwnConcepts(nn.Module):
    """The pairs of a code and one of its concepts: a code has some seven of thousands, so that nothing is held or
    computed for the others."""

    codes: Tensor
    concepts: Tensor

    def __init__(self, membership: Bool[Tensor, "code concept"]) -> None:
        super().__init__()
        pairs = membership.nonzero()
        self.size = len(membership)
        self.register_buffer("codes", pairs[:, 0].contiguous(), persistent=False)
        self.register_buffer("concepts", pairs[:, 1].contiguous(), persistent=False)

    def forward(
        self, scores: Float[Tensor, "note concept"], weights: Float[Tensor, "pair"]
    ) -> Float[Tensor, "note code"]:
        """Σ_k w_ck p_k over the code's own concepts."""
        # Pairs first: whole rows are then taken and added up, several times as fast as columns.
        weighed = scores.T.contiguous()[self.concepts] * weights[:, None]
        return scores.new_zeros(self.size, len(scores)).index_add(0, self.codes, weighed).T


class SharedWeights(nn.Module):
    """logit = Σ over layers of (weight of the layer) · (mean score of the code's concepts of the layer)."""

    kinds: Tensor
    shares: Tensor

    def __init__(self, membership: Bool[Tensor, "code concept"], layers: Int[Tensor, "concept"]) -> None:
        super().__init__()
        self.own = OwnConcepts(membership)
        known, kinds = torch.unique(layers, return_inverse=True)
        kinds = kinds[self.own.concepts]
        counts = torch.zeros(len(membership), len(known))
        counts.index_put_((self.own.codes, kinds), torch.ones(len(kinds)), accumulate=True)
        self.register_buffer("kinds", kinds, persistent=False)
        self.register_buffer("shares", 1 / counts[self.own.codes, kinds], persistent=False)
        self.weights = nn.Parameter(torch.full((len(known),), START))

    def forward(
        self, scores: Float[Tensor, "note concept"], more: Float[Tensor, "pair"] | None = None
    ) -> Float[Tensor, "note code"]:
        """more: what each pair weighs beside what is shared."""
        weights = self.weights[self.kinds] * self.shares
        return self.own(scores, weights if more is None else weights + more)


class LinearHead(nn.Module):
    """logit_c = shared + b_c + Σ_k w_ck p_k; every weight can be read. own_only: over the code's own concepts."""

    def __init__(
        self, membership: Bool[Tensor, "code concept"], layers: Int[Tensor, "concept"], own_only: bool
    ) -> None:
        super().__init__()
        self.shared = SharedWeights(membership, layers)
        self.own_only = own_only
        shape = (len(self.shared.kinds),) if own_only else membership.shape
        self.own = nn.Parameter(torch.zeros(shape))
        self.bias = nn.Parameter(torch.full((len(membership),), -START))

    def forward(self, scores: Float[Tensor, "note concept"]) -> Float[Tensor, "note code"]:
        if self.own_only:
            return self.shared(scores, self.own) + self.bias
        return self.shared(scores) + scores @ self.own.T + self.bias

    def penalty(self) -> Float[Tensor, ""]:
        """What the own part weighs, a mean over codes."""
        return self.own.square().sum() / len(self.bias)


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


ConceptHead = LinearHead | MLPHead | AttentionHead


class Head(nn.Module):
    """logit = logit of the head over concepts + a · (the note's own logit) + b, each part only where it is there.

    over_concepts: None: the note's own logits alone. A code is given its own logit by a network that reads the note
    without concepts; a and b are shared by all codes, so that rare codes are not left to a handful of notes.
    """

    def __init__(self, over_concepts: ConceptHead | None, with_note: bool) -> None:
        super().__init__()
        if over_concepts is None and not with_note:
            raise ValueError("a head needs concepts, or the note's own logits")
        self.over_concepts = over_concepts
        self.scale = nn.Parameter(torch.full((), 0.5 if over_concepts else 1.0)) if with_note else None
        self.bias = nn.Parameter(torch.zeros(())) if with_note else None

    def forward(
        self, scores: Float[Tensor, "note concept"], note: Float[Tensor, "note code"] | None = None
    ) -> Float[Tensor, "note code"]:
        """note: probabilities of the network that reads the note, where the head was built with them."""
        parts = [] if self.over_concepts is None else [self.over_concepts(scores)]
        if self.scale is not None and self.bias is not None:
            assert note is not None, "the head was built with the note's own logits"
            parts.append(self.scale * torch.logit(note, eps=LEAST) + self.bias)
        return torch.stack(parts).sum(0)

    def penalty(self) -> Float[Tensor, ""]:
        return torch.zeros(()) if self.over_concepts is None else self.over_concepts.penalty()

    @torch.no_grad()
    def widen(self, narrow: Head, seen: Bool[Tensor, "code"]) -> None:
        """Takes what a head over the seen codes alone has learnt. The others, of which nothing could be learnt, take
        the mean bias of the seen ones, and weigh their concepts as codes do in general."""
        own = self.state_dict()
        for name, learnt in narrow.named_parameters():
            rows = own[name]
            if rows.shape == learnt.shape:
                rows.copy_(learnt)
                continue
            if name.endswith("bias"):
                rows.fill_(learnt.mean())
            over = self.over_concepts
            if name == "over_concepts.own" and isinstance(over, LinearHead) and over.own_only:
                rows[seen[over.shared.own.codes]] = learnt  # of pairs, not of codes
            else:
                rows[seen] = learnt


def build_head(
    kind: str,
    membership: Bool[Tensor, "code concept"],
    layers: Int[Tensor, "concept"],
    *,
    hidden: int,
    own_only: bool,
    inputs: str = "concepts",
) -> Head:
    """kind: "linear", "mlp" or "attention". inputs: "concepts", "note" or "both"."""
    if inputs == "note":
        return Head(None, True)
    if kind == "linear":
        return Head(LinearHead(membership, layers, own_only), inputs == "both")
    return Head((MLPHead if kind == "mlp" else AttentionHead)(membership, layers, hidden), inputs == "both")


def fit_head(
    head: Head,
    scores: Float[Tensor, "note concept"],
    gold: Float[Tensor, "note code"],
    note: Float[Tensor, "note code"] | None = None,
    *,
    steps: int,
    learning_rate: float,
    decay: float,
) -> list[float]:
    """Minimises binary cross-entropy (a sum over codes, a mean over notes) + decay · penalty by Adam over all notes at
    once, and returns the loss of each step. `scores`, and the probabilities `note`, must
    be of networks that have not seen the note."""
    optimiser = torch.optim.Adam(head.parameters(), lr=learning_rate)
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        terms = nn.functional.binary_cross_entropy_with_logits(head(scores, note), gold, reduction="none")
        loss = terms.sum(1).mean() + decay * head.penalty()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses
