"""A code that a note may mean, with what stands for it, and the words of descriptions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from icdcoder.core.code import Code
from icdcoder.predictors.dictionary.compiled import Sense
from icdcoder.predictors.dictionary.mentions import Mention
from icdcoder.text.memo import Memo
from icdcoder.text.normal_form import normal_form, normal_words
from icdcoder.text.word_variants import joined

if TYPE_CHECKING:
    from icdcoder.systems.table.contract import CodeSystem

ACCEPTED = 0.5
_SAYS_NOTHING = re.compile(
    r"\b(?:unspecified (?:as|whether) .*|unspecified (?:joint|limb|extremity)|unspecified|nos|"
    r"not otherwise specified|not elsewhere classified|"
    r"without [^,]*|not specified|uncomplicated|of|sites?|parts?|region|other|organism|initial encounter)\b"
)
CONTENT_WORDS = Memo(lambda word: joined(normal_form(word)), most=200_000)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A code with its score and the mentions behind it, best first.

    senses: for each mention, in which sense it stands for the code. support: of the best mention. overlap: share of
    the description's words that the note has; described: how many words the description has.
    """

    code: Code
    score: float
    mentions: tuple[Mention, ...]
    senses: tuple[Sense, ...]
    support: float
    unspecified: bool
    overlap: float
    described: int

    @property
    def category(self) -> str:
        return self.code.value.partition(".")[0]


class Descriptions:
    """What descriptions say, each read once."""

    def __init__(self, systems: Mapping[str, CodeSystem]) -> None:
        self._systems = systems
        self._read: dict[Code, tuple[frozenset[str], bool]] = {}

    def __getitem__(self, code: Code) -> str:
        return self._systems[code.system].description(code)

    def known(self, code: Code) -> bool:
        """Whether the edition has this code."""
        return code.system in self._systems and code in self._systems[code.system]

    def said(self, code: Code) -> frozenset[str]:
        """The content words of a code's description."""
        return self._found(code)[0]

    def unspecified(self, code: Code) -> bool:
        return self._found(code)[1]

    def recoded(self, one: Candidate, code: Code) -> Candidate:
        """The same mentions, standing for another code."""
        return replace(one, code=code, unspecified=self.unspecified(code), described=len(self.said(code)))

    def give(self, by_code: dict[Code, Candidate], one: Candidate, code: Code) -> None:
        """Adds `code` on the mentions of `one`, unless it has a score as high."""
        old = by_code.get(code)
        if old is None or old.score < one.score:
            by_code[code] = self.recoded(one, code)

    def beside(self, code: Code, words: str, others: str) -> Code | None:
        """The code near this one whose description says `others` where this one's says `words`."""
        text = self[code].lower()
        if not others or words not in text:
            return None
        system, value = self._systems[code.system], code.value
        stem = text.partition(words)[0].split(",")[0].split(" complicating")[0].rstrip(" ")
        near = [Code(code.system, value[:-cut] + last) for cut in (1, 2) for last in "12345"]
        if len(value) == 8:  # behind it a character for the child that it is about
            near += [Code(code.system, value[:at] + one + value[at + 1 :]) for at in (4, 5, 6) for one in "12345"]
        return next((c for c in near if c in system and self._says(c, stem, others)), None)

    def _says(self, code: Code, stem: str, words: str) -> bool:
        text = self[code].lower()
        return self._systems[code.system].is_billable(code) and text.startswith(stem) and words in text

    def _found(self, code: Code) -> tuple[frozenset[str], bool]:
        found = self._read.get(code)
        if found is None:
            text = self[code].lower()
            words = normal_words(_SAYS_NOTHING.sub(" ", text)).words
            found = self._read[code] = (frozenset(joined(word) for word in words if word), "unspecified" in text)
        return found
