"""The codes that a model can predict, in one fixed order, with the hash that ties weights and data together."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.core.document import Document
from icdcoder.core.errors import ArtefactError, InputError


class LabelSpace:
    """An ordered set of codes. Index i of logits, targets and thresholds is `codes[i]`, everywhere."""

    def __init__(self, codes: Iterable[Code]) -> None:
        self.codes: tuple[Code, ...] = tuple(codes)
        self._index = {code: i for i, code in enumerate(self.codes)}
        if len(self._index) != len(self.codes):
            raise InputError("A label space cannot hold a code twice.")

    @classmethod
    def fit(
        cls,
        documents: Iterable[Document],
        *,
        top: int | None = None,
        min_notes: int = 1,
        max_notes: int | None = None,
    ) -> LabelSpace:
        """The codes of the *training* documents, by `of_counts`.

        Documents of other splits are refused, so that no label space can be chosen on test data.
        """
        counts: Counter[Code] = Counter()
        for document in documents:
            if document.split != "train":
                raise InputError(f"A label space is fitted on training documents only; {document.id!r} is not one.")
            counts.update(set(document.codes))
        return cls.of_counts(counts, top=top, min_notes=min_notes, max_notes=max_notes)

    @classmethod
    def of_counts(
        cls, counts: Mapping[Code, int], *, top: int | None = None, min_notes: int = 1, max_notes: int | None = None
    ) -> LabelSpace:
        """counts: how many *training* documents have each code. The codes are sorted by code.

        top: keep only the most frequent (ties go to the smaller code). min_notes, max_notes: drop codes of fewer, or
        of more, training documents.
        """
        kept = [
            c
            for c in sorted(counts, key=lambda c: (-counts[c], c.system, c.value))
            if min_notes <= counts[c] <= (max_notes or counts[c])
        ]
        return cls(sorted(kept[:top], key=lambda c: (c.system, c.value)))  # quicker than by codes

    def with_codes(self, codes: Iterable[Code]) -> LabelSpace:
        """This space and these codes, sorted. They must come from elsewhere than notes of other splits."""
        return LabelSpace(sorted({*self.codes, *codes}))

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Code]:
        return iter(self.codes)

    def __contains__(self, code: object) -> bool:
        return code in self._index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LabelSpace) and self.codes == other.codes

    def __hash__(self) -> int:
        return hash(self.codes)

    def index(self, code: Code) -> int:
        """Raises InputError where the space does not hold the code."""
        try:
            return self._index[code]
        except KeyError:
            raise InputError(f"The label space of {len(self)} codes does not hold {code}.") from None

    @property
    def systems(self) -> tuple[str, ...]:
        return tuple(sorted({code.system for code in self.codes}))

    def targets(self, codes: Sequence[Iterable[Code]]) -> npt.NDArray[np.bool_]:
        """Gold matrix "note code"; codes outside the space are left out."""
        matrix = np.zeros((len(codes), len(self)), dtype=np.bool_)
        for row, gold in enumerate(codes):
            for code in gold:
                column = self._index.get(code)
                if column is not None:
                    matrix[row, column] = True
        return matrix

    @property
    def digest(self) -> str:
        """sha256 over the codes in order."""
        return hashlib.sha256("\n".join(map(str, self.codes)).encode()).hexdigest()

    def save(self, path: Path) -> None:
        body = {"digest": self.digest, "codes": [str(code) for code in self.codes]}
        path.write_text(json.dumps(body, indent=0), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> LabelSpace:
        """Raises ArtefactError where the file is missing, damaged, or its digest does not fit its codes."""
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            space = cls(Code.parse(text) for text in body["codes"])
            said = body["digest"]
        except FileNotFoundError:
            raise ArtefactError(f"The label space {path.name} is missing from {path.parent}.") from None
        except (json.JSONDecodeError, KeyError, TypeError, InputError):
            raise ArtefactError(f"{path} is not a label space written by icdcoder.") from None
        if space.digest != said:
            raise ArtefactError(f"{path} is damaged: its codes hash to {space.digest[:12]}, it says {said[:12]}.")
        return space
