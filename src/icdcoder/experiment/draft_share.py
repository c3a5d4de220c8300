"""A share of a corpus's texts, numbered in draft: its tokens go to a file, and at the end it says what they tell.

Processes of `draft_process.py` import this module, which needs numpy and nothing slower to import.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from icdcoder.text.reader import Ids, Numbers

# Draft tokens that are read at once.
CHUNK = 1 << 20
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Learnt:
    """Of each draft number: the token it stands for (a line each), in how many of the documents to learn from it is,
    and whether it is in a training document and in any document kept."""

    names: str
    documents: npt.NDArray[np.int32]
    in_training: Mask
    kept: Mask


class DraftShare:
    """The documents are those whose texts `count` was given, in that order."""

    def __init__(self, path: Path, numbers: Callable[[], Numbers]) -> None:
        self._numbers = numbers()
        self._lengths = array("q")
        self._path = path
        self._file = path.open("wb")

    def count(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Numbers texts and returns how many tokens each has; their draft numbers can be read from the file then."""
        found = self._numbers.number(texts)
        for ids in found:
            self._file.write(np.ascontiguousarray(ids, dtype=np.int32).data)
        self._file.flush()
        lengths = np.array([len(ids) for ids in found], dtype=np.int64)
        self._lengths.extend(lengths.tolist())
        return lengths

    def learn(self, training: Mask, kept: Mask, reads_all: bool) -> Learnt:
        """training, kept: which of the documents are. reads_all: learn from all that are kept."""
        names = self._numbers.names()
        size = names.count("\n") + 1 if names else 0
        documents = np.zeros(size, dtype=np.int32)
        in_training = np.zeros(size, dtype=np.bool_)
        seen = np.zeros(size, dtype=np.bool_)
        last = np.zeros(size, dtype=np.int32)
        places = np.arange(1, dtype=np.int32)
        for document, ids in self._documents():
            if not kept[document]:
                continue
            tokens = ids.astype(np.intp)
            seen[tokens] = True
            if training[document]:
                in_training[tokens] = True
            elif not reads_all:
                continue
            if len(tokens) > len(places):
                places = np.arange(2 * len(tokens), dtype=np.int32)
            own = places[: len(tokens)]
            last[tokens] = own
            # Each token where it stands last: once a document, and without sorting.
            documents[tokens[last[tokens] == own]] += 1
        return Learnt(names, documents, in_training, seen)

    def close(self) -> None:
        self._file.close()

    def _documents(self) -> Iterator[tuple[int, Ids]]:
        """The draft ids of each, about CHUNK of them read at once (a mapped file would count as memory of ours)."""
        starts = np.concatenate([[0], np.cumsum(np.asarray(self._lengths))])
        first, last = 0, len(self._lengths)
        with self._path.open("rb") as file:
            while first < last:
                after = max(first + 1, int(np.searchsorted(starts, starts[first] + CHUNK, side="right")) - 1)
                part = np.fromfile(file, dtype=np.int32, count=int(starts[after] - starts[first]))
                for document in range(first, after):
                    yield document, part[starts[document] - starts[first] : starts[document + 1] - starts[first]]
                first = after
