"""The compiled dictionary: a term index and, for each term, the codes it may stand for. Built once, then mapped."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from pathlib import Path

import numpy as np
import numpy.typing as npt

from icdcoder.core.cache import atomic_folder, cache_folder, content_key
from icdcoder.core.code import Code
from icdcoder.core.errors import ArtefactError
from icdcoder.knowledge.shipped import FOLDER, lines
from icdcoder.predictors.dictionary.terms import Source, Term
from icdcoder.predictors.dictionary.words import split_side
from icdcoder.text.memo import Memo
from icdcoder.text.spelling import Spelling
from icdcoder.text.term_index import TermIndex
from icdcoder.text.word_variants import joined, variants

FORMAT = "4"
EVERYDAY = FOLDER / "everyday_words.txt"
"""Single words of descriptions that are everyday words in notes; expressions may still use them."""
WEAK = EVERYDAY.with_name("weak_wordings.txt")
"""Wordings that make candidates and no more, whoever wrote them."""
_MIN_SINGLE = 5
_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Sense:
    """One code that a term may stand for. side: 0 none, or a value of SIDES. words: length of the term. joint: the
    term states further codes beside this one."""

    code: int
    source: Source
    side: int
    words: int
    joint: bool = False


class Dictionary:
    """Terms → senses; codes are numbered in `codes`. sided: "code side", the code of each side or -1."""

    def __init__(
        self,
        index: TermIndex,
        senses: npt.NDArray[np.int32],
        starts: npt.NDArray[np.int32],
        sided: npt.NDArray[np.int32],
        codes: list[str],
        spelling: Spelling,
    ) -> None:
        self.index = index
        # Plain views: a slice of a mapped array costs ten times that of an array.
        self._senses = np.asarray(senses)  # "sense 5": code, source, side, words, joint
        self._starts = np.asarray(starts)  # "term + 1"
        self._sided = np.asarray(sided)
        self.codes = codes
        self.spelling = spelling
        # Notes share their words and their terms.
        self.read_as = Memo(lambda word: joined(spelling.corrected(word)), most=200_000).__getitem__
        """What a normal word of a note is filed as."""
        self.senses = lru_cache(maxsize=20_000)(self._senses_of)
        """The senses of a term, by its number in the index."""
        self.systems = frozenset(code.partition(":")[0] for code in codes)
        self._numbers: dict[str, int] = {}
        self._parsed: dict[int, Code] = {}

    def _senses_of(self, term: int) -> tuple[Sense, ...]:
        rows = self._senses[self._starts[term] : self._starts[term + 1]].tolist()
        return tuple(Sense(code, Source(source), side, words, bool(joint)) for code, source, side, words, joint in rows)

    def code(self, number: int) -> Code:
        found = self._parsed.get(number)
        if found is None:
            found = self._parsed[number] = Code.parse(self.codes[number])
        return found

    def number(self, code: Code) -> int:
        """The number of a code; a new one where no term stands for it."""
        if not self._numbers:
            self._numbers = {known: number for number, known in enumerate(self.codes)}
        if str(code) not in self._numbers:
            self._numbers[str(code)] = len(self.codes)
            self.codes.append(str(code))
        return self._numbers[str(code)]

    def on_side(self, code: int, side: int) -> int:
        """The code of the same condition on this side; the code itself where there is none."""
        if code >= len(self._sided):
            return code
        found = int(self._sided[code, side - 1])
        return code if found < 0 else found

    @classmethod
    def compile(cls, all_terms: Iterable[Term], sides: Mapping[Code, Mapping[int, Code]] | None = None) -> Dictionary:
        """Files every term under its normal words. sides: of codes that name no side, those that do."""
        filed, numbers, official = _filed(all_terms)
        index, order = TermIndex.build_in_order(list(filed))
        rows: list[tuple[int, ...]] = []
        counts = [0]
        terms = list(filed.items())
        for words, senses in map(terms.__getitem__, order):
            kept = senses if len(senses) == 1 else _trusted(senses)
            found = [(code, source, side, len(words), joint) for (code, side), (source, joint) in kept.items()]
            rows += sorted(found, key=_BY_SOURCE) if len(found) > 1 else found
            counts.append(len(rows))
        starts = np.array(counts, dtype=np.int32)
        flat = np.array(rows, dtype=np.int32)
        sided = _sided(numbers, sides or {})
        # Expressions hold misspellings, as clinicians write them; the tables hold none.
        spelling = Spelling.build({*(word for words in filed for word in words), *variants()}, official)
        return cls(index, flat.reshape(-1, 5), starts, sided, [str(code) for code in numbers], spelling)

    def save(self, folder: Path) -> None:
        self.index.save(folder / "terms.npy")
        np.save(folder / "senses.npy", self._senses)
        np.save(folder / "starts.npy", self._starts)
        np.save(folder / "sided.npy", self._sided)
        self.spelling.save(folder)
        (folder / "codes.json").write_text(json.dumps(self.codes), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Dictionary:
        senses = np.load(folder / "senses.npy", mmap_mode="r", allow_pickle=False)
        starts = np.load(folder / "starts.npy", mmap_mode="r", allow_pickle=False)
        sided = np.load(folder / "sided.npy", mmap_mode="r", allow_pickle=False)
        codes = json.loads((folder / "codes.json").read_text(encoding="utf-8"))
        return cls(TermIndex.load(folder / "terms.npy"), senses, starts, sided, codes, Spelling.load(folder))


_BY_SOURCE = itemgetter(1)
_Senses = dict[tuple[int, int], tuple[int, int]]  # (code, side) → (source, joint)


def _filed(all_terms: Iterable[Term]) -> tuple[dict[tuple[str, ...], _Senses], dict[Code, int], frozenset[str]]:
    """Terms, numbers of codes, and the words of the tables of codes."""
    official: set[str] = set()
    numbers: dict[Code, int] = {}
    filed: dict[tuple[str, ...], _Senses] = defaultdict(dict)
    everyday = _everyday()
    weak = {tuple(sorted(split_side(line)[0])) for line in lines(WEAK.name)}
    for term in all_terms:
        words, side = split_side(term.text)
        if not words:
            continue
        source = term.source
        if Source.DESCRIPTION <= source <= Source.HEADING:
            official.update(words)
        if len(words) == 1 and Source.ABBREVIATION < source < Source.PAST and not _may_stand_alone(words[0], everyday):
            if len(words[0]) < _SHORTEST or words[0].isdigit():
                continue
            source = Source.EVERYDAY
        key = tuple(sorted(words))
        senses = filed[key]
        if term.code is not None:
            weakened = key in weak and not term.code.system.endswith("pcs")
            source = Source.EVERYDAY if weakened and source != Source.PAST else source
            code = numbers.setdefault(term.code, len(numbers))
            old = senses.get((code, side), (99, 0))
            # An operation's name that alone is too little ("colostomy") states its code of the past, marked joint.
            past = weakened and Source.PAST in (source, old[0])
            senses[code, side] = (int(Source.PAST), 1) if past else min((int(source), int(term.joint)), old)
    return filed, numbers, frozenset(official)


def _sided(numbers: dict[Code, int], sides: Mapping[Code, Mapping[int, Code]]) -> npt.NDArray[np.int32]:
    """Adds to `numbers` the codes that only a side leads to."""
    known = list(numbers)
    table = np.full((len(known), 3), -1, dtype=np.int32)
    for row, code in enumerate(known):
        for side, other in sides.get(code, {}).items():
            table[row, side - 1] = numbers.setdefault(other, len(numbers))
    return table


def _trusted(senses: _Senses) -> _Senses:
    """Of the senses of one side, those whose source is not much less trusted than the best one's."""
    best: dict[int, int] = {}
    for (_, side), (source, _) in senses.items():
        best[side] = min(source, best.get(side, source))
    kept = (key for key, value in senses.items() if value[0] <= best[key[1]] + 1 or value[0] == Source.PAST)
    return {key: senses[key] for key in kept}


def _may_stand_alone(word: str, everyday: frozenset[str]) -> bool:
    return len(word) >= _MIN_SINGLE and word not in everyday and not word.isdigit()


def _everyday() -> frozenset[str]:
    words = [word for line in lines(EVERYDAY.name) for word in line.split()]
    return frozenset(words) | frozenset(map(joined, words))


def cached(
    key_parts: Sequence[str | bytes | Path],
    name: str,
    make: Iterable[Term],
    sides: Callable[[], Mapping[Code, Mapping[int, Code]]] = dict,
) -> Dictionary:
    """The dictionary of these terms from the cache, or compiled now and cached where the cache can be written."""
    folder = cache_folder() / "lexicon" / f"{name}-{content_key(FORMAT, *key_parts)}"
    if folder.is_dir():
        try:
            return Dictionary.load(folder)
        except (OSError, ValueError, EOFError):
            import shutil

            shutil.rmtree(folder, ignore_errors=True)
    dictionary = Dictionary.compile(make, sides())
    try:
        with atomic_folder(folder) as work:
            dictionary.save(work)
    except (ArtefactError, OSError):
        pass  # The cache cannot be written, or another process was faster: what is in memory serves.
    return dictionary
