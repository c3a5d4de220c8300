"""The compiled dictionary: a term index and, for each term, the codes it may stand for. Built once, then mapped."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from icdcoder.core.cache import atomic_folder, cache_folder, content_key
from icdcoder.core.code import Code
from icdcoder.core.errors import ArtefactError
from icdcoder.predictors.dictionary.terms import Source, Term
from icdcoder.text.normal_form import normal_words
from icdcoder.text.term_index import TermIndex

FORMAT = "1"
# Sides are told by the words around a mention, so a term is filed without them.
SIDES = {"right": 1, "left": 2, "bilateral": 3, "both": 3}
# Single words of descriptions that are everyday words in notes; expressions may still use them.
EVERYDAY = frozenset(
    """
    donor down lue nervous
    illness accident activity adult age agent allergy assault body boy bite blood bottom brain burn car care cell
    chemical chest child cold contact cut cyst defect deformity delivery dependence device disorder disease
    driver drug ear effect encounter examination exercise exposure eye face fall family fever finger fire
    fistula flat food foot foreign fracture friction gas general genetic girl glass hair hand head health
    heart heat heel hernia hip hit housing human implant infection inflammation injury kidney knee lead lesion
    light liver local lower lung machine male mass medical mouth muscle nausea neck need newborn noise nose
    occupant other others pain passenger patient pedestrian person physical plant poisoning polyp position
    pregnancy pressure prophylactic radiation rash reaction rest school scar screening shoulder sign single
    skin social spine sport stage status stomach strain stress stroke struck substance surgery swelling
    symptom syndrome teeth throat toe tongue tooth traffic transplant trauma tumor twin ulcer upper use
    vaccination water weakness weather well wheelchair work wound wrist
    """.split()
)
_MIN_SINGLE = 5


@dataclass(frozen=True)
class Sense:
    """One code that a term may stand for. side: 0 none, or a value of SIDES. words: length of the term."""

    code: int
    source: Source
    side: int
    words: int


class Dictionary:
    """Terms → senses; codes are numbered in `codes`."""

    def __init__(
        self, index: TermIndex, senses: npt.NDArray[np.int32], starts: npt.NDArray[np.int32], codes: list[str]
    ) -> None:
        self.index = index
        self._senses = senses  # "sense 4": code, source, side, words
        self._starts = starts  # "term + 1"
        self.codes = codes

    def senses(self, term: int) -> list[Sense]:
        rows = self._senses[self._starts[term] : self._starts[term + 1]].tolist()
        return [Sense(code, Source(source), side, words) for code, source, side, words in rows]

    def code(self, number: int) -> Code:
        return Code.parse(self.codes[number])

    @classmethod
    def compile(cls, all_terms: Iterable[Term]) -> Dictionary:
        """Files every term under its normal words; a single everyday word counts only as an expression."""
        numbers: dict[Code, int] = {}
        filed: dict[tuple[str, ...], dict[tuple[int, int], int]] = defaultdict(dict)
        for term in all_terms:
            words, side = split_side(normal_words(term.text).words)
            if not words or (len(words) == 1 and not _may_stand_alone(words[0], term.source)):
                continue
            senses = filed[tuple(sorted(words))]
            if term.code is None:
                continue
            code = numbers.setdefault(term.code, len(numbers))
            senses[code, side] = min(int(term.source), senses.get((code, side), 99))
        index = TermIndex.build(filed)
        rows: list[list[list[int]]] = [[] for _ in range(len(index))]
        for words, senses in filed.items():
            number = index.number(words)
            if number is not None:
                rows[number] = [[c, s, side, len(words)] for (c, side), s in _trusted(senses).items()]
        starts = np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(np.int32)
        flat = np.array([sense for row in rows for sense in sorted(row, key=lambda s: s[1])], dtype=np.int32)
        return cls(index, flat.reshape(-1, 4), starts, [str(code) for code in numbers])

    def save(self, folder: Path) -> None:
        self.index.save(folder / "terms.npy")
        np.save(folder / "senses.npy", self._senses)
        np.save(folder / "starts.npy", self._starts)
        (folder / "codes.json").write_text(json.dumps(self.codes), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Dictionary:
        senses = np.load(folder / "senses.npy", mmap_mode="r", allow_pickle=False)
        starts = np.load(folder / "starts.npy", mmap_mode="r", allow_pickle=False)
        codes = json.loads((folder / "codes.json").read_text(encoding="utf-8"))
        return cls(TermIndex.load(folder / "terms.npy"), senses, starts, codes)


def split_side(words: Sequence[str]) -> tuple[list[str], int]:
    """The words without breaks and sides, and the side they name."""
    side = 0
    kept = []
    for word in words:
        if word in SIDES:
            side = SIDES[word]
        elif word:
            kept.append(word)
    return kept, side


def _trusted(senses: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    """Of the senses of one side, those whose source is not much less trusted than the best one's."""
    best: dict[int, int] = {}
    for (_, side), source in senses.items():
        best[side] = min(source, best.get(side, source))
    return {key: source for key, source in senses.items() if source <= best[key[1]] + 1}


def _may_stand_alone(word: str, source: Source) -> bool:
    if source <= Source.ABBREVIATION:
        return True
    return len(word) >= _MIN_SINGLE and word not in EVERYDAY and not word.isdigit()


def cached(key_parts: Sequence[str | bytes | Path], name: str, make: Iterable[Term]) -> Dictionary:
    """The dictionary of these terms from the cache, or compiled now and cached where the cache can be written."""
    folder = cache_folder() / "lexicon" / f"{name}-{content_key(FORMAT, *key_parts)}"
    if folder.is_dir():
        try:
            return Dictionary.load(folder)
        except (OSError, ValueError, EOFError):
            import shutil

            shutil.rmtree(folder, ignore_errors=True)
    dictionary = Dictionary.compile(make)
    try:
        with atomic_folder(folder) as work:
            dictionary.save(work)
    except (ArtefactError, OSError):
        pass  # The cache cannot be written, or another process was faster: what is in memory serves.
    return dictionary
