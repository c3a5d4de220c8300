"""The answers that name codes of a label space, as a trie over token numbers.

An answer is a list of items ("401.9;", or "401.9 Unspecified essential hypertension;") and an end. Each item is cut
into tokens by itself, so that no token reaches from one item into the next and an item has the same tokens wherever it
stands; the mark after it makes sure that no item begins another ("I10;" and "I10.1;"). A model has to be trained on
answers made so (`LabelTrie.answer`). Where no code is to be named, the answer is "none;" and the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from icdcoder.core.errors import ConfigError

MARK = ";"
NOTHING = "none"
ROOT = 0


@dataclass(frozen=True, slots=True)
class Tile:
    """Nodes that a model reads in one go. nodes: rising by depth along each path. ancestors: [i, j] whether node j is
    node i or above it. own: places in `nodes` of those that this tile answers for; the others are context."""

    nodes: npt.NDArray[np.int64]
    ancestors: npt.NDArray[np.bool_]
    own: npt.NDArray[np.int64]


class LabelTrie:
    """Node 0 is the root, where an item begins; a node's parent has a smaller number.

    tokens, parents, depths: of each node (of the root: -1, -1, 0). leaves: the node where each code's item ends, then
    that of the end of the answer and that of "none". path_leaves, path_nodes: pairs, for each leaf all nodes on its
    way. branching: nodes with more than one child, where there is something to choose.
    """

    def __init__(self, paths: Sequence[tuple[int, ...]], items: Sequence[str] = ()) -> None:
        """paths: token numbers of each code's item, then of the end of the answer, then of "none". items: what the
        items are called in an error. Raises ConfigError where a path is another, or begins it."""
        _require_different(paths, items)
        self.codes = len(paths) - 2
        self.paths = tuple(paths)
        children: list[dict[int, int]] = [{}]
        parents, tokens = [-1], [-1]
        leaves, path_leaves, path_nodes = [], [], []
        for leaf, path in enumerate(paths):
            node = ROOT
            for token in path:
                if token not in children[node]:
                    children[node][token] = len(parents)
                    parents.append(node)
                    tokens.append(token)
                    children.append({})
                node = children[node][token]
                path_leaves.append(leaf)
                path_nodes.append(node)
            leaves.append(node)
        self._children = children
        self._leaf_at = {node: leaf for leaf, node in enumerate(leaves)}
        self.parents, self.tokens = np.array(parents), np.array(tokens)
        self.depths = np.zeros(len(parents), dtype=np.int64)
        for node in range(1, len(parents)):
            self.depths[node] = self.depths[parents[node]] + 1
        self.leaves = np.array(leaves)
        self.path_leaves, self.path_nodes = np.array(path_leaves), np.array(path_nodes)
        self.branching = np.array([node for node, below in enumerate(children) if len(below) > 1])

    @classmethod
    def build(cls, items: Sequence[str], encode: Callable[[str], Sequence[int]], end: int) -> LabelTrie:
        """items: the text of each code in the order of the label space. encode: the tokenizer, without special tokens.
        end: the number of the token that ends an answer. Raises ConfigError where two items cannot be told apart."""
        if not items:
            raise ConfigError("There is no code that an answer could name.")
        paths = [tuple(map(int, encode(f"{item}{MARK}"))) for item in items]
        paths += [(int(end),), tuple(map(int, encode(f"{NOTHING}{MARK}")))]
        return cls(paths, items)

    @property
    def end(self) -> int:
        """The leaf of the end; that of "none" follows it."""
        return self.codes

    @property
    def nothing(self) -> int:
        return self.codes + 1

    @property
    def nodes(self) -> int:
        return len(self.parents)

    @property
    def longest(self) -> int:
        """Tokens of the longest item."""
        return max(map(len, self.paths))

    def answer(self, codes: Iterable[int]) -> list[int]:
        """The token numbers of an answer that names these codes in this order, its end included."""
        listed = [*codes] or [self.nothing]
        return [token for leaf in (*listed, self.end) for token in self.paths[leaf]]

    def read(self, ids: Iterable[int]) -> list[int] | None:
        """The codes of an answer, or of the beginning of one; None where it is none."""
        said, node = self._walk(ids)
        return None if node is None else [leaf for leaf in said if leaf < self.codes]

    def allowed(self, ids: Sequence[int]) -> list[int]:
        """The tokens that may follow these in an answer that names no code twice, rising; none after the end. This is
        what `prefix_allowed_tokens_fn` of transformers' generate, which decodes token by token, asks for."""
        said, node = self._walk(ids)
        if node is None or self.end in said:
            return []
        open_leaves = np.flatnonzero(self.open_leaves(said))
        below = np.isin(self.path_leaves, open_leaves)
        reachable = np.unique(self.path_nodes[below])
        return sorted(token for token, child in self._children[node].items() if child in reachable)

    def open_leaves(self, said: Sequence[int]) -> npt.NDArray[np.bool_]:
        """For each leaf whether it may follow these."""
        found = np.ones(self.codes + 2, dtype=np.bool_)
        found[list(said)] = False
        if self.nothing in said:
            found[: self.codes] = False
        found[self.nothing if said else self.end] = False
        return found

    def _walk(self, ids: Iterable[int]) -> tuple[list[int], int | None]:
        """(the leaves passed, the node after the last token; None where the tokens are no beginning of an answer)."""
        said: list[int] = []
        node = ROOT
        for token in ids:
            below = self._children[node].get(int(token))
            if below is None or self.end in said:
                return said, None
            node = below
            leaf = self._leaf_at.get(node)
            if leaf is not None:
                if not self.open_leaves(said)[leaf]:
                    return said, None
                said.append(leaf)
                node = ROOT
        return said, node

    def tiles(self, size: int) -> Iterator[Tile]:
        """The nodes that a model has to read so that it is asked at each branching (the root is read with what goes
        before it), in tiles of at most `size` nodes beside the context."""
        needed: dict[int, None] = {}
        for node in self.branching:
            while node != ROOT:
                needed.setdefault(int(node))
                node = self.parents[node]
        order = [node for node in self._preorder() if node in needed]
        for start in range(0, len(order), size):
            own = order[start : start + size]
            above = self._above(own[0])[:-1]
            nodes = np.array([*above, *own])
            place = {int(node): i for i, node in enumerate(nodes)}
            ancestors = np.zeros((len(nodes), len(nodes)), dtype=np.bool_)
            for i, node in enumerate(nodes):
                ancestors[i, [place[n] for n in self._above(int(node))]] = True
            yield Tile(nodes, ancestors, np.arange(len(above), len(nodes)))

    def _above(self, node: int) -> list[int]:
        """The nodes from below the root to this one."""
        found = []
        while node != ROOT:
            found.append(node)
            node = int(self.parents[node])
        return found[::-1]

    def _preorder(self) -> Iterator[int]:
        stack = [*reversed(self._children[ROOT].values())]
        while stack:
            node = stack.pop()
            yield node
            stack += reversed(self._children[node].values())


def _require_different(paths: Sequence[tuple[int, ...]], items: Sequence[str]) -> None:
    codes = len(paths) - 2
    names = [*(items or [f"code {i}" for i in range(1, codes + 1)]), "the end of an answer", NOTHING]
    # Of paths in order, those that a path begins follow it.
    for before, after in pairwise(sorted(range(len(paths)), key=paths.__getitem__)):
        if paths[after][: len(paths[before])] == paths[before]:
            raise ConfigError(
                f"The tokenizer writes {names[before]!r} and {names[after]!r} alike, so that no answer could tell "
                "them apart. It does not know their characters; choose another checkpoint or format."
            )
