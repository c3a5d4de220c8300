"""What is remembered of each document while a corpus streams by, and its tokens, which get their final numbers."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.core.document import SPLITS, Document, PatientSplits, Split
from icdcoder.core.label_space import LabelSpace
from icdcoder.experiment.draft_share import Mask
from icdcoder.experiment.draft_tokens import Tokens
from icdcoder.experiment.shares import Shares
from icdcoder.text.reader import Ids, Learner, Reader

# Numbers of the tokens that are read.
Kept = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Numbered:
    """cut: documents that have more tokens than are read. facts: counts that a check sheet may ask for."""

    reader: Reader
    cut: int
    facts: dict[str, Any]


class Drafts:
    """One pass: `noted` hands documents through and remembers them, `count` has their texts numbered, then the rest.

    Of a large corpus, processes number a share of the texts each. What comes out does not depend on how many.
    """

    def __init__(self, folder: Path, learner: Learner, systems: Sequence[str], budget: int, expected: int = 0) -> None:
        """expected: how many bytes of notes there will be, as far as is known."""
        self._learner = learner
        self._shares = Shares(folder, learner, expected)
        self._systems = frozenset(systems)
        self._budget = budget
        self._code_numbers: dict[Code, int] = {}
        self._codes = array("i")
        self._code_starts = array("q", [0])
        self._splits = bytearray()
        self._kept: Mask | None = None

    def __enter__(self) -> Drafts:
        return self

    def __exit__(self, *_: object) -> None:
        self._shares.close()

    @property
    def kept(self) -> Mask:
        """Which of the documents are; all, as long as none were dropped."""
        return np.ones(len(self._splits), dtype=np.bool_) if self._kept is None else self._kept

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

    def count(self, texts: Sequence[str]) -> Callable[[], list[int]]:
        """Has the texts of a chunk numbered; what it returns waits for it, and returns how many tokens of each are
        read."""
        counted = self._shares.count(texts)
        return lambda: np.minimum(counted.result(), self._budget).tolist()

    @property
    def training(self) -> int:
        return self._splits.count(SPLITS.index("train"))

    def code_counts(self, split: Split) -> dict[Code, int]:
        """How many documents of a split have each code."""
        starts = np.asarray(self._code_starts)
        documents = np.repeat(np.arange(len(self._splits)), np.diff(starts))
        inside = np.frombuffer(self._splits, dtype=np.uint8)[documents] == SPLITS.index(split)
        pairs = np.sort(documents[inside] * len(self._code_numbers) + np.asarray(self._codes)[inside])
        pairs = pairs[np.diff(pairs, prepend=-1) != 0]
        counts = np.bincount(pairs % max(1, len(self._code_numbers)), minlength=len(self._code_numbers)).tolist()
        return {code: count for code, count in zip(self._code_numbers, counts, strict=True) if count}

    def drop_unlabelled(self, space: LabelSpace) -> int:
        """Keeps the documents that have a code of the space; returns how many have none."""
        inside = np.array([code in space for code in self._code_numbers], dtype=np.bool_)
        starts = np.asarray(self._code_starts)
        seen = np.concatenate([[0], np.cumsum(inside[np.asarray(self._codes)] if len(self._codes) else [])])
        self._kept = seen[starts[1:]] > seen[starts[:-1]]
        return int(len(self._kept) - self._kept.sum())

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
        kept = self.kept
        train = np.frombuffer(self._splits, dtype=np.uint8) == SPLITS.index("train")
        learnt = self._shares.learn(kept & train, kept)
        self._shares.close()
        united = Tokens(learnt, self._learner.least)
        reader = self._learner.reader(united.documents)
        final = self._learner.final(reader, [*united.documents, ""])
        lengths = self._shares.lengths()
        finals = [None if final is None else united.of_share(share, final) for share in range(len(learnt))]
        self._write(path, finals, kept_of(reader) if kept_of else None)
        self._shares.forget()
        facts = {
            "tokens": int(lengths[kept].sum()),
            "train tokens": int(lengths[kept & train].sum()),
            "types": united.types,
            "train types": united.train_types,
            "vocabulary": reader.size - 2,
        }
        return Numbered(reader, int((lengths[kept] > self._budget).sum()), facts)

    def _write(self, path: Path, finals: Sequence[Ids | None], choose: Callable[[int], Kept] | None) -> None:
        budget, kept = self._budget, self.kept
        total = int(np.minimum(self._shares.lengths()[kept], budget).sum())
        with path.open("wb") as file:
            header = {"descr": "<i4", "fortran_order": False, "shape": (total,)}
            np.lib.format.write_array_header_1_0(file, header)
            first = before = 0
            for share, lengths, part in self._shares.chunks():
                final = finals[share]
                chosen = np.flatnonzero(kept[first : first + len(lengths)])
                numbers = (part if final is None else final.take(part)).astype("<i4", copy=False)
                if len(chosen) == len(lengths) and lengths.max(initial=0) <= budget:
                    file.write(numbers.data)  # the usual case
                else:
                    starts = np.concatenate([[0], np.cumsum(lengths)])
                    for n, i in enumerate(chosen, start=before):
                        ids = numbers[starts[i] : starts[i + 1]]
                        read = ids[choose(n)] if choose and len(ids) > budget else ids[:budget]
                        file.write(np.ascontiguousarray(read).data)
                first += len(lengths)
                before += len(chosen)
