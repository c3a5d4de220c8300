"""The four ways in which a language model can be given a note and say its codes when it is trained to.

Table 1 of "How to leverage large language models for automatic ICD coding", where the first did best:

1. the note → codes;  2. the note → codes with titles;  3. the note and all codes of the label space → codes;
4. the note and all codes with their titles → codes.

The wording around the note is in `prompts/fine_tune.txt` and `prompts/fine_tune_listed.txt`; the paper's own is lost.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError
from icdcoder.core.label_space import LabelSpace
from icdcoder.text.prompting import answers
from icdcoder.text.prompting.templates import Templates

NUMBERS = (1, 2, 3, 4)
NONE = "none"
_CODE = r"(?:[A-Z]\d[0-9A-Z]|[EV]?\d{2,3})(?:\.[0-9A-Z]{1,4})?|(?=[A-Z]*\d|\w*ZZZ)[0-9A-HJ-NP-Z]{7}"
_LIKE_A_CODE = re.compile(_CODE)
_BULLET = re.compile(r"^(?:(?:[-*•#>]+|\d{1,2}(?:\)|\.(?=\s)))\s*)+")
_COUNTED = re.compile(r"\d{1,2}[.)]?|AND|OR|&|")
# "Hypertension (401.9)", "Hypertension - 401.9".
_AFTER = re.compile(rf"\(\s*({_CODE})\s*\)|\s[-–—=]\s*({_CODE})\W*$")
# What can hardly be an age or a dose, and is no end of a range.
_SURE = re.compile(
    r"(?<![\w.–-])(?:(?:[A-Z]\d[0-9A-Z]|E?\d{2,3}(?=\.))(?:\.[0-9A-Z]{1,4})?|(?=[A-Z]*\d|\w*ZZZ)[0-9A-HJ-NP-Z]{7})(?![\w%]|[.–-]\w)"
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """codes: of the label space, each once, in the order of the answer. outside: how many others were named. prose:
    the answer names no code, and does not say that there is none."""

    codes: tuple[Code, ...]
    outside: int
    prose: bool


class AnswerFormat:
    """One of the four formats for one label space. descriptions: of its codes; formats 2 and 4 need all of them.

    Raises ConfigError where the number is none of NUMBERS, a description is missing, or two codes are written alike.
    """

    def __init__(
        self, number: int, space: LabelSpace, descriptions: Mapping[Code, str], templates: Templates | None = None
    ) -> None:
        if number not in NUMBERS:
            raise ConfigError(f"There is no input-output format {number!r}; there are {', '.join(map(str, NUMBERS))}.")
        self.number = number
        self._space = space
        self._descriptions = descriptions
        missing = [code for code in space if not descriptions.get(code)] if number in (2, 4) else []
        if missing:
            raise ConfigError(f"Format {number} writes titles, and {missing[0]} has none.")
        self._templates = templates or Templates()
        self._written: dict[str, Code] = {}
        for code in space:
            if self._written.setdefault(code.value.upper(), code) != code:
                raise ConfigError(f"{code} and {self._written[code.value.upper()]} are written alike in answers.")
        # A code whose dot was left out, where only one code of the space can be meant.
        bare = Counter(written.replace(".", "") for written in self._written)
        self._undotted = {
            word: code for written, code in self._written.items() if bare[word := written.replace(".", "")] == 1
        }

    def around(self, system: str) -> tuple[str, str]:
        """What stands before and after the note. They are apart, so that a note can be cut to what room is left, and
        label attention can keep to the note's own tokens. system: its title, for people."""
        name = "fine_tune" if self.number in (1, 2) else "fine_tune_listed"
        listed = "; ".join(self._item(code, titled=self.number == 4) for code in self._space)
        before, _, after = self._templates.fill(name, system=system, codes=listed, note="{note}").partition("{note}")
        return before, after

    @property
    def items(self) -> tuple[str, ...]:
        """How each code of the space is written in an answer, in the order of the space."""
        return tuple(self._item(code, titled=self.number == 2) for code in self._space)

    def answer(self, codes: Iterable[Code]) -> str:
        """The answer to train on, in the order given (by falling frequency in training, say)."""
        return "; ".join(self._item(code, titled=self.number == 2) for code in codes) or NONE

    def parse(self, answer: str) -> Parsed:
        """The codes of an answer, whether it has the trained form, titles or not, or that of another model: JSON,
        <code> tags, lists, dots left out. `parse(answer(codes)).codes` are the codes."""
        said = answers.without_reasoning(answer)
        structured = answers.structured(said)
        found: dict[Code, None] = {}
        outside: set[str] = set()
        for word in self._words(said) if structured is None else structured:
            word = _bare(word)
            code = self._code(word)
            if code is not None:
                found[code] = None
            elif _LIKE_A_CODE.fullmatch(word):
                outside.add(word)
        bare = re.sub(r"^codes?:", "", said.casefold()).strip(" .;\n")
        clear_none = bare in (NONE, "[]", "", "no codes") and said.strip() != ""
        return Parsed(tuple(found), len(outside), not found and not outside and not clear_none)

    def _words(self, said: str) -> Iterator[str]:
        """What may be a code. A comma tells codes apart, but not within the titles of format 2."""
        for part in re.split(r"[;\n]+", answers.SYSTEM.sub("", said)):
            cells = [cell for cell in part.split("|") if "|" not in part or not re.fullmatch(r"\s*\d{1,2}\s*", cell)]
            for cell in cells:
                for piece in [cell] if self.number == 2 else cell.split(","):
                    yield from self._of_piece(answers.LABEL.sub("", _BULLET.sub("", piece.strip())).upper())

    def _of_piece(self, piece: str) -> Iterator[str]:
        """All words where there are only codes; else the first, those in brackets or at the end, and further codes of
        the space as it writes them, which in format 2 may be part of a title."""
        words = [_bare(word) for word in re.split(r"[\s,]+", piece)]
        codes = [word for word in words if self._code(word) or not _COUNTED.fullmatch(word)]
        if all(self._code(word) or _LIKE_A_CODE.fullmatch(word) for word in codes):
            yield from codes
            return
        first = _bare(re.split(r"[\s:–(]", piece)[0])
        yield first
        if self.number != 2 or not (self._code(first) or _LIKE_A_CODE.fullmatch(first)):
            yield from (found[1] or found[2] for found in _AFTER.finditer(piece))
            yield from (found[0] for found in _SURE.finditer(piece) if found[0] in self._written)

    def _code(self, word: str) -> Code | None:
        return self._written.get(word) or self._undotted.get(word)

    def _item(self, code: Code, *, titled: bool) -> str:
        return f"{code.value} {' '.join(self._descriptions[code].split())}" if titled else code.value


def _bare(word: str) -> str:
    return word.strip("\"'`*[](){}.,: ").upper()
