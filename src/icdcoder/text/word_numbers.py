"""Words of many texts as numbers, each rule of `text/rules.py` in the quickest way there is for it.

Processes that number a share of a corpus import this module: it needs numpy and no settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from icdcoder.text.rules import spelt
from icdcoder.text.tokens import cut_by_zeros, kept_word, raw_words
from icdcoder.text.word_table import LONGEST, WordTable, cut

Ids = npt.NDArray[np.int32]
# A draft number that stands for no word: the rule leaves numbers out.
LEFT_OUT = -1
# Texts are looked up together until they have so many characters: more fit no cache, and take a quarter longer.
CHARACTERS = 1 << 20
# Rules that cut words alike, for which there is a quicker way.
AS_CAML = ("caml", "msmn")


class WordNumbers:
    """Draft numbers: words get them in the order in which they appear.

    A word has one number in a text, and may have another in texts that are not ASCII throughout. Most words of a corpus
    are in one note of it; they are kept as lines of text, which takes a tenth of what a dictionary does.
    """

    def __init__(self, rule: str) -> None:
        self._size = 0
        self._lines: list[str] = []
        self._asked = _Asked(lambda word: self._new([word])[0])
        self._bulk = WordBulk(rule, self._asked.__getitem__, self._new)

    def number(self, texts: Sequence[str]) -> list[Ids]:
        return self._bulk(texts)

    def names(self) -> str:
        return "\n".join(self._lines)

    def _new(self, words: Sequence[str]) -> range:
        before = self._size
        if words:
            self._size += len(words)
            self._lines.append("\n".join(words))
        return range(before, self._size)


class WordBulk:
    """Many texts by one rule: words that are met again are looked up.

    number: of a word, the same each time. once: of words that are not asked for again, of the texts in which they are
    looked up in the table.
    """

    def __init__(
        self, rule: str, number: Callable[[str], int], once: Callable[[list[str]], Sequence[int]] | None = None
    ) -> None:
        self._rule = rule
        self._number = number
        self._once = once or (lambda words: [number(word) for word in words])
        self._table = WordTable(self._raw_numbers)
        self._numbers = _Asked(self._raw_number)

    def __call__(self, texts: Sequence[str]) -> list[Ids]:
        if self._rule not in AS_CAML:
            spell, numbers = spelt(self._rule), _Asked(self._number)
            return [_looked_up(spell(text), numbers) for text in texts]
        ascii_texts = [text for text in texts if text.isascii()]
        found = (ids for part in _parts(ascii_texts) for ids in self._in_table(part))
        return [next(found) if text.isascii() else self._one_by_one(text) for text in texts]

    def _in_table(self, texts: Sequence[str]) -> list[Ids]:
        whole = cut_by_zeros("\n".join(["", *texts, "\n" * LONGEST]))
        words = cut(whole)
        ids = self._table.look_up(words.first, words.second)
        for word in words.overlong:
            start = words.starts[word]
            ids[word] = self._numbers[whole[start : whole.index(b"\0", start)].decode("ascii")]
        kept = ids != LEFT_OUT
        kept_before = np.concatenate([[0], np.cumsum(kept)])
        starts_of_texts = np.cumsum([1 + len(text) for text in texts[:-1]]) + 1
        return np.split(ids[kept], kept_before[np.searchsorted(words.starts, starts_of_texts)])

    def _one_by_one(self, text: str) -> Ids:
        ids = _looked_up(raw_words(text), self._numbers)
        return ids[ids != LEFT_OUT]

    def _raw_numbers(self, raws: Sequence[str]) -> list[int]:
        """Of ASCII words in small letters."""
        left_out = [raw.isnumeric() for raw in raws]
        numbers = iter(self._once([raw for raw, out in zip(raws, left_out, strict=True) if not out]))
        return [LEFT_OUT if out else next(numbers) for out in left_out]

    def _raw_number(self, raw: str) -> int:
        word = kept_word(raw)
        return LEFT_OUT if word is None else self._number(word)


def _parts(texts: Iterable[str]) -> Iterator[list[str]]:
    """Runs of texts of about CHARACTERS."""
    part: list[str] = []
    size = 0
    for text in texts:
        part.append(text)
        size += len(text)
        if size >= CHARACTERS:
            yield part
            part, size = [], 0
    if part:
        yield part


class _Asked(dict[str, int]):
    """Word → number, asked of `number` when a word is first met."""

    def __init__(self, number: Callable[[str], int]) -> None:
        super().__init__()
        self._number = number

    def __missing__(self, word: str) -> int:
        found = self[word] = self._number(word)
        return found


def _looked_up(words: Sequence[str], numbers: dict[str, int]) -> Ids:
    return np.fromiter(map(numbers.__getitem__, words), dtype=np.int32, count=len(words))
