"""Lists of codes as a language model writes them, when it can write nothing else, and a probability for each code.

At place t of a list, p_t(c) is the product, over the branchings of the trie on the way to code c, of the softmax over
the children that can still be reached; codes that are said already are cut off. Over all codes and the end it sums to
one: it is the model's own probability of c as next item, given that the answer is a list of different codes of the
space. The item with the largest p_t is taken (the best item, not the best token), until that is the end.

The score of a code is 1 − ∏_t (1 − p_t(c)) over the places up to the one where the end was said: the probability that
c is drawn at one of them, were each drawn for itself after the list as it was written. Its limits: only the one list
is looked at, where the probability that c is in the answer is a mean over all lists that the model might write
(`sampled` estimates that); and a code that the model would write after the end that was chosen gets little. So the
scores rank, and need a threshold or a calibration that is fitted on validation notes.

All branchings of the trie are read in one call for each place, behind what is already in the cache: as many tokens as
the trie has branchings (with the nodes above them), not codes × tokens of a code.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from icdcoder.nn.writing.answer_prefix import AnswerPrefix
from icdcoder.nn.writing.label_trie import ROOT, LabelTrie, Tile

# Nodes that are read at once: their logits are this × notes × vocabulary.
TILE = 128


@dataclass(frozen=True, slots=True)
class Decoded:
    """scores: between 0 and 1, float32. lists: numbers of codes in the order said, each once. ended: whether the end
    was said; False where the list was as long as allowed."""

    scores: Float[Tensor, "note code"]
    lists: list[list[int]]
    ended: list[bool]


@torch.inference_mode()
def decode(prefix: AnswerPrefix, trie: LabelTrie, *, most: int | None = None) -> Decoded:
    """Uses up the prefix. most: how many codes a list may name; None: all of the space."""
    return _decoded(prefix, trie, most, None)


@torch.inference_mode()
def sampled(prefix: AnswerPrefix, trie: LabelTrie, generator: torch.Generator, *, most: int | None = None) -> Decoded:
    """One list a note, drawn from the model. The score of a code is ∑_t p_t(c), which can exceed one; its mean over
    draws tends to the probability that the code is in the answer. `prefix.keep` repeats a note for several draws."""
    return _decoded(prefix, trie, most, generator)


def _decoded(prefix: AnswerPrefix, trie: LabelTrie, most: int | None, generator: torch.Generator | None) -> Decoded:
    choices = Choices(trie, prefix.device)
    lists: list[list[int]] = [[] for _ in range(len(prefix))]
    ended = [False] * len(prefix)
    scores = torch.zeros(len(prefix), trie.codes, device=prefix.device)
    going = torch.arange(len(prefix), device=prefix.device)
    limit = trie.codes if most is None else min(most, trie.codes)
    for _ in range(limit + 1):
        may_follow = torch.stack([torch.from_numpy(trie.open_leaves(lists[note])) for note in going.tolist()])
        log_p = choices.log_probabilities(prefix, may_follow.to(prefix.device))
        p = log_p[:, : trie.codes].exp()
        before = scores[going]
        scores[going] = before + (p if generator is not None else p * (1 - before))
        chosen = log_p.argmax(1) if generator is None else torch.multinomial(log_p.exp().cpu(), 1, generator=generator)
        rows = []
        for row, (note, leaf) in enumerate(zip(going.tolist(), chosen.flatten().tolist(), strict=True)):
            if leaf >= trie.codes:
                ended[note] = True
            elif len(lists[note]) < limit:
                lists[note].append(leaf)
                rows.append(row)
        if not rows:
            break
        if len(rows) < len(going):
            kept = torch.tensor(rows, device=prefix.device)
            prefix.keep(kept)
            going = going[kept]
        prefix.say(*_padded([trie.paths[lists[note][-1]] for note in going.tolist()], prefix.device))
    return Decoded(scores, lists, ended)


class Choices:
    """The trie as tensors, in the tiles in which a model reads it."""

    def __init__(self, trie: LabelTrie, device: torch.device, tile: int = TILE) -> None:
        def numbers(values: object) -> Tensor:
            return torch.as_tensor(values, device=device)

        self._trie = trie
        self._path_leaves, self._path_nodes = numbers(trie.path_leaves), numbers(trie.path_nodes)
        parents = numbers(trie.parents)
        branching = torch.zeros(trie.nodes, dtype=torch.bool, device=device)
        branching[numbers(trie.branching)] = True
        # A child of a branching is a choice; all other nodes follow from the one above.
        choice = branching[parents.clamp(min=0)] & (parents >= 0)
        tokens = numbers(trie.tokens)
        self._tiles: list[tuple[Tile, Tensor, Tensor, Tensor, Tensor]] = []
        for part in trie.tiles(tile):
            place = torch.full((trie.nodes,), -1, device=device)
            place[numbers(part.nodes[part.own])] = numbers(part.own)
            found = torch.nonzero(choice & (place[parents.clamp(min=0)] >= 0)).flatten()
            self._tiles.append((part, tokens[numbers(part.nodes)], found, place[parents[found]], tokens[found]))
        self._first = torch.nonzero(parents == ROOT).flatten()
        self._first_tokens = tokens[self._first]
        self._parents = parents

    def log_probabilities(
        self, prefix: AnswerPrefix, may_follow: Bool[Tensor, "note leaf"]
    ) -> Float[Tensor, "note leaf"]:
        """log p_t of each leaf, −∞ where it may not follow."""
        logits = torch.zeros(len(prefix), self._trie.nodes, device=prefix.device)
        root = None
        for tile, tokens, nodes, rows, next_tokens in self._tiles:
            after, ahead = prefix.look_ahead(tile, tokens)
            root = after if root is None else root
            logits[:, nodes] = ahead[:, rows, next_tokens].float()
        if root is None:
            root = prefix.logits()
        logits[:, self._first] = root[:, self._first_tokens].float()
        steps = self._normalised(logits, may_follow)
        found = torch.zeros(may_follow.shape, device=prefix.device)
        found.index_add_(1, self._path_leaves, steps[:, self._path_nodes])
        return found

    def _normalised(
        self, logits: Float[Tensor, "note node"], may_follow: Bool[Tensor, "note leaf"]
    ) -> Float[Tensor, "note node"]:
        """log p of each node after its parent, over those below which a leaf may follow. An only child has 1."""
        open_below = torch.zeros_like(logits)
        open_below.index_add_(1, self._path_nodes, may_follow[:, self._path_leaves].float())
        logits = logits.masked_fill(open_below == 0, -torch.inf)
        parents = self._parents.clamp(min=0).expand_as(logits)
        logits[:, ROOT] = -torch.inf
        most = torch.full_like(logits, -torch.inf).scatter_reduce(1, parents, logits, "amax")
        most = most.masked_fill(most == -torch.inf, 0.0)
        total = torch.zeros_like(logits).scatter_add(1, parents, (logits - most.gather(1, parents)).exp())
        steps = logits - most.gather(1, parents) - total.gather(1, parents).clamp(min=1e-38).log()
        return steps.masked_fill(logits == -torch.inf, -torch.inf)


def _padded(
    paths: list[tuple[int, ...]], device: torch.device
) -> tuple[Int[Tensor, "note said"], Bool[Tensor, "note said"]]:
    width = max(map(len, paths))
    tokens = torch.tensor([[*path, *[0] * (width - len(path))] for path in paths], device=device)
    mask = torch.tensor([[i < len(path) for i in range(width)] for path in paths], device=device)
    return tokens, mask
