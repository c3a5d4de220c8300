"""A long word of a note that differs in one letter from a known one is read as that one.

Both words lose each of their letters in turn, and two words one letter apart then share a form (symmetric deletion,
Garbe 2012); the forms of the known words are kept as sorted hashes, so that a look-up costs a dozen searches.
Signs that look alike are told apart by the known words, however many there are: "lnfarctlon", "pneum0nia", "leukernia".
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from itertools import permutations
from pathlib import Path

import numpy as np
import numpy.typing as npt

SHORTEST = 8
"""Letters of a word that is corrected; shorter words lie too near to each other."""
# Only the names of conditions are read into a misspelling: "addition" is no addiction, "discharged" no discharge.
_CONDITION = re.compile(
    r"(?:itis|osis|emia|uria|oma|pathy|algia|iasis|plegia|paresis|rrhea|rrhagia|megaly|penia|pnea|trophy|plasia|"
    r"phagia|cardia|rtension|otension|monia|betes|litus|lepsy|rction|rillation|philia|thorax|kemia|"
    r"thyroidism|bolism|phrenia|ydration|rrhage|mentia|urysm|undice|stipation)$"
)
# One letter apart, and opposites or neighbours.
_APART = (("macro", "micro"), ("phono", "photo"), ("granulo", "agranulo"), ("inter", "intra"), ("hypo", "hyper"))


# Scanned and typed texts take one of these for another. A word is not corrected by them that is shorter than this.
_ALIKE = str.maketrans("l10", "iio")
_SHORTEST_ALIKE = 6


class Spelling:
    """words: the known ones. keys: hashes of their forms, sorted. owners: for each, the number of its word, or -1
    where several words share the form."""

    def __init__(self, words: list[str], keys: npt.NDArray[np.uint64], owners: npt.NDArray[np.int32]) -> None:
        self._words = words
        self._known = frozenset(words)
        self._keys = keys
        self._owners = owners
        self._seen: dict[str, str] = {}

    @cached_property
    def _alike(self) -> dict[str, str]:
        """Known words by what is the same in all that look like them, "" where several do."""
        found: dict[str, str] = {}
        for word in self._words:
            found[_folded(word)] = "" if _folded(word) in found else word
        return found

    @classmethod
    def build(cls, words: Iterable[str], trusted: Collection[str] = ()) -> Spelling:
        """words: any; those that are too short or hold a digit are left out. trusted: those of them that are surely
        spelled right; beside one of these, another word may be a misspelling of it, and takes no form from it."""
        kept = sorted({word for word in words if len(word) >= _SHORTEST_ALIKE and word.isalpha()})
        owner: dict[int, int] = {}
        claimed: dict[int, int] = {}
        for number, word in enumerate(kept):
            if len(word) < SHORTEST:
                continue
            forms = claimed if word in trusted else owner
            for form in set(_forms(word)):
                key = _hash(form)
                forms[key] = number if forms.get(key, number) == number else -1
        owner |= claimed
        keys = np.array(sorted(owner), dtype=np.uint64)
        return cls(kept, keys, np.array([owner[int(key)] for key in keys], dtype=np.int32))

    def corrected(self, word: str) -> str:
        """The one known word that looks like this one, or is a letter away (changed, missing, too many, or two changed
        places), begins with the same letter and names a condition; `word` itself where there is none or more than one.
        """
        if len(word) < _SHORTEST_ALIKE or not len(self._keys) or word in self._known:
            return word
        found = self._seen.get(word)
        if found is None:
            if len(self._seen) > 100_000:
                self._seen.clear()
            found = self._nearest(word)
            if found == word and word.endswith(("t", "l", "1")):
                whole = self._nearest(word + "s")  # the s of "arthritls" was taken for a plural's
                found = whole if whole.endswith("is") else word
            self._seen[word] = found
        return found

    def _nearest(self, word: str) -> str:
        alike = self._alike.get(_folded(word))
        if alike or len(word) < SHORTEST:
            return alike or word
        near: set[str] = set()
        for form in set(_forms(word)):
            key = np.uint64(_hash(form))
            at = int(np.searchsorted(self._keys, key))
            if at < len(self._keys) and self._keys[at] == key:
                if self._owners[at] < 0:
                    return word
                near.add(self._words[self._owners[at]])
        near = {known for known in near if _one_apart(word, known)}
        return near.pop() if len(near) == 1 else word

    def save(self, folder: Path) -> None:
        np.save(folder / "spelling.npy", self._keys)
        np.save(folder / "spelling_owners.npy", self._owners)
        (folder / "words.txt").write_text("\n".join(self._words), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Spelling:
        keys = np.load(folder / "spelling.npy", mmap_mode="r", allow_pickle=False)
        owners = np.load(folder / "spelling_owners.npy", mmap_mode="r", allow_pickle=False)
        return cls((folder / "words.txt").read_text(encoding="utf-8").split("\n"), keys, owners)


def _folded(word: str) -> str:
    return word.translate(_ALIKE).replace("rn", "m")


def _forms(word: str) -> Iterator[str]:
    yield word
    for i in range(len(word)):
        yield word[:i] + word[i + 1 :]


def _one_apart(word: str, known: str) -> bool:
    if word[0] != known[0] or word.endswith(("tome", "scope")) or not _CONDITION.search(known):
        return False
    if any(word.startswith(one) and known.startswith(two) for pair in _APART for one, two in permutations(pair)):
        return False
    if len(word) != len(known):
        return abs(len(word) - len(known)) == 1
    differing = [i for i, (a, b) in enumerate(zip(word, known, strict=True)) if a != b]
    if len(differing) == 2 and differing[1] == differing[0] + 1:
        return Counter(word) == Counter(known)
    return len(differing) == 1


def _hash(form: str) -> int:
    return int.from_bytes(hashlib.blake2b(form.encode(), digest_size=8).digest(), "little")
