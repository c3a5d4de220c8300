"""What is remembered of each document while a corpus streams by, and its tokens in draft numbers on disk."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.core.document import SPLITS, Document, PatientSplits, Split
from icdcoder.core.label_space import LabelSpace
from icdcoder.text.reader import Ids, Learner, Reader

FILE = "tokens.draft"
# Numbers of the tokens that are read.
Kept = npt.NDArray[np.int64]
# Draft tokens that are read at once.
CHUNK = 1 << 20


@dataclass(frozen=True)
class Numbered:
    """cut: documents that have more tokens than are read. facts: counts that a check sheet may ask for."""

    reader: Reader
    cut: int
    facts: dict[str, Any]


class Drafts:
    """One pass: `noted` hands documents through and remembers them, `count` numbers their texts, then the rest."""

    def __init__(self, folder: Path, learner: Learner, systems: Sequence[str], budget: int) -> None:
        self._path = folder / FILE
        self._learner = learner
        self._systems = frozenset(systems)
        self._budget = budget
        self._code_numbers: dict[Code, int] = {}
        self._codes = array("i")
        self._code_starts = array("q", [0])
        self._splits = bytearray()
        self._lengths = array("q")
        self._largest = -1
        self.kept: npt.NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)

    def __enter__(self) -> Drafts:
        self._file = self._path.open("wb")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.kept = np.ones(len(self._splits), dtype=np.bool_)

    def noted(self, documents: Iterable[Document], step: Callable[[], None]) -> Iterator[Document]:
        """The documents, with the codes of the systems chosen. Raises InputError where a patient is in two splits."""
        patients = PatientSplits()
        for document in documents:
            patients.note(document)
            if self._systems:
                codes = tuple(code for code in document.codes if code.system in self._systems)
                document = replace(document, codes=codes)
            self._codes.extend(self._code_numbers.setdefault(c, len(self._code_numbers)) for c in document.codes)
            self._code_starts.append(len(self._codes))
            self._splits.append(SPLITS.index(document.split))
            yield document
            step()

    def count(self, texts: Sequence[str]) -> list[int]:
        """Numbers the texts of a chunk and returns how many tokens of each are read."""
        counts = []
        for ids in self._learner.number(texts):
            self._file.write(np.ascontiguousarray(ids, dtype=np.int32).data)
            self._lengths.append(len(ids))
            self._largest = max(self._largest, int(ids.max(initial=-1)))
            counts.append(min(len(ids), self._budget))
        return counts

    @property
    def training(self) -> int:
        return self._splits.count(SPLITS.index("train"))

    def code_counts(self, split: Split) -> dict[Code, int]:
        """How many documents of a split have each code."""
        starts = np.asarray(self._code_starts)
        documents = np.repeat(np.arange(len(self._splits)), np.diff(starts))
        inside = np.frombuffer(self._splits, dtype=np.uint8)[documents] == SPLITS.index(split)
        pairs = np.unique(documents[inside] * len(self._code_numbers) + np.asarray(self._codes)[inside])
        counts = np.bincount(pairs % max(1, len(self._code_numbers)), minlength=len(self._code_numbers)).tolist()
        return {code: count for code, count in zip(self._code_numbers, counts, strict=True) if count}

    def drop_unlabelled(self, space: LabelSpace) -> int:
        """Keeps the documents that have a code of the space; returns how many have none."""
        inside = np.array([code in space for code in self._code_numbers], dtype=np.bool_)
        starts = np.asarray(self._code_starts)
        seen = np.concatenate([[0], np.cumsum(inside[np.asarray(self._codes)] if len(self._codes) else [])])
        self.kept = seen[starts[1:]] > seen[starts[:-1]]
        return int(len(self.kept) - self.kept.sum())

    def splits_kept(self) -> Counter[str]:
        return Counter(SPLITS[number] for number, kept in zip(self._splits, self.kept, strict=True) if kept)

    def codes_kept(self) -> int:
        return int(np.diff(np.asarray(self._code_starts))[self.kept].sum())

    def finish(self, path: Path, kept_of: Callable[[Reader], Callable[[int], Kept]] | None = None) -> Numbered:
        """Fits the reader on the training documents kept, or on all where its settings ask for it, writes the final
        tokens of all, and forgets the drafts.

        kept_of: for the reader, which tokens are read of the n-th document kept, where it has more than the budget
        allows; None: its head.
        """
        lengths = np.asarray(self._lengths)
        train = np.frombuffer(self._splits, dtype=np.uint8) == SPLITS.index("train")
        train_types = np.zeros(self._largest + 1, dtype=np.bool_)
        learnt = _marked(self._drafts(self.kept & train), train_types)
        if self._learner.reads_all:
            learnt = chain(learnt, self._drafts(self.kept & ~train))
        reader, final = self._learner.finish(learnt)
        types = train_types.copy()
        self._write(path, final, kept_of(reader) if kept_of else None, types, train)
        self._path.unlink()
        facts = {
            "tokens": int(lengths[self.kept].sum()),
            "train tokens": int(lengths[self.kept & train].sum()),
            "types": int(types.sum()),
            "train types": int(train_types.sum()),
            "vocabulary": reader.size - 2,
        }
        return Numbered(reader, int((lengths[self.kept] > self._budget).sum()), facts)

    def _write(
        self,
        path: Path,
        final: Ids | None,
        kept: Callable[[int], Kept] | None,
        types: npt.NDArray[np.bool_],
        marked: npt.NDArray[np.bool_],
    ) -> None:
        """types: those of the documents `marked` are there; those of the others are added."""
        budget = self._budget
        total = int(np.minimum(np.asarray(self._lengths)[self.kept], budget).sum())
        with path.open("wb") as file:
            header = {"descr": "<i4", "fortran_order": False, "shape": (total,)}
            np.lib.format.write_array_header_1_0(file, header)
            before = 0
            for first, starts, part in self._parts():
                chosen = np.flatnonzero(self.kept[first : first + len(starts) - 1])
                for i in chosen[~marked[first + chosen]]:
                    types[part[starts[i] : starts[i + 1]]] = True
                numbers = (part if final is None else final.take(part)).astype("<i4", copy=False)
                lengths = np.diff(starts)
                if len(chosen) == len(lengths) and lengths.max(initial=0) <= budget:
                    file.write(numbers.data)  # the usual case
                else:
                    for n, i in enumerate(chosen, start=before):
                        ids = numbers[starts[i] : starts[i + 1]]
                        read = ids[kept(n)] if kept and len(ids) > budget else ids[:budget]
                        file.write(np.ascontiguousarray(read).data)
                before += len(chosen)

    def _drafts(self, chosen: npt.NDArray[np.bool_]) -> Iterator[Ids]:
        """Draft ids of the documents chosen, in order."""
        for first, starts, part in self._parts():
            for i in np.flatnonzero(chosen[first : first + len(starts) - 1]):
                yield part[starts[i] : starts[i + 1]]

    def _parts(self) -> Iterator[tuple[int, npt.NDArray[np.int64], Ids]]:
        """About CHUNK draft ids at a time (a mapped file would count as memory of this process): the first document,
        where in the part each begins and the last ends, and the ids."""
        starts = np.concatenate([[0], np.cumsum(np.asarray(self._lengths))])
        first, last = 0, len(self._lengths)
        with self._path.open("rb") as file:
            while first < last:
                after = max(first + 1, int(np.searchsorted(starts, starts[first] + CHUNK, side="right")) - 1)
                part = np.fromfile(file, dtype=np.int32, count=int(starts[after] - starts[first]))
                yield first, starts[first : after + 1] - starts[first], part
                first = after


def _marked(drafts: Iterator[Ids], seen: npt.NDArray[np.bool_]) -> Iterator[Ids]:
    """Hands on, and marks the numbers that go by."""
    for ids in drafts:
        seen[ids] = True
        yield ids
