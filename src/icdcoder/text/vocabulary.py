"""The words a model knows, fitted on training notes, each with its number."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from icdcoder.core.errors import ArtefactError, InputError

PADDING, UNKNOWN = "<padding>", "<unknown>"


class Vocabulary:
    """Number 0 is padding, 1 an unknown word; words follow by falling number of notes, then alphabetically."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = (PADDING, UNKNOWN, *words)
        self._numbers = {word: number for number, word in enumerate(words, start=2)}
        if len(self._numbers) != len(words) or PADDING in self._numbers or UNKNOWN in self._numbers:
            raise InputError("A vocabulary cannot hold a word twice.")
        if any("\n" in word for word in words):
            raise InputError("A word of a vocabulary cannot hold a line end.")

    @classmethod
    def fit(cls, notes: Iterable[Sequence[str]], *, min_documents: int = 3) -> Vocabulary:
        """notes: the tokens of each *training* note. A word is kept that stands in at least min_documents of them."""
        counts: Counter[str] = Counter()
        for tokens in notes:
            counts.update(set(tokens))
        return cls.of_counts(counts, min_documents=min_documents)

    @classmethod
    def of_counts(cls, counts: Mapping[str, int], *, min_documents: int = 3) -> Vocabulary:
        """counts: in how many *training* notes each word stands."""
        # A note may hold the names of the first two, by a rule that cuts at white space: they are unknown words in it.
        kept = [word for word, count in counts.items() if count >= min_documents and word not in (PADDING, UNKNOWN)]
        return cls(sorted(kept, key=lambda word: (-counts[word], word)))

    def __len__(self) -> int:
        return len(self.words)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.words == other.words

    def __hash__(self) -> int:
        return hash(self.words)

    def number(self, word: str) -> int:
        return self._numbers.get(word, 1)

    def encode(self, tokens: Sequence[str]) -> npt.NDArray[np.int32]:
        """One number a token."""
        numbers = self._numbers
        return np.fromiter((numbers.get(token, 1) for token in tokens), dtype=np.int32, count=len(tokens))

    @property
    def digest(self) -> str:
        """sha256 over the words in order."""
        return _digest(self.words)

    def save(self, path: Path) -> None:
        """One word a line; the first line is the digest of the others."""
        path.write_text("\n".join((self.digest, *self.words)) + "\n", encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, path: Path) -> Vocabulary:
        """Raises ArtefactError where the file is missing or damaged."""
        try:
            digest, *words = path.read_bytes().decode("utf-8").removesuffix("\n").split("\n")
        except FileNotFoundError:
            raise ArtefactError(f"The vocabulary {path.name} is missing from {path.parent}.") from None
        except (UnicodeDecodeError, OSError):
            raise ArtefactError(f"{path} is not a vocabulary written by icdcoder.") from None
        if words[:2] != [PADDING, UNKNOWN]:
            raise ArtefactError(f"{path} is not a vocabulary written by icdcoder.")
        found = _digest(words)
        if found != digest:
            raise ArtefactError(f"{path} is damaged: its words hash to {found[:12]}, it says {digest[:12]}.")
        return cls(words[2:])


def _digest(words: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()
