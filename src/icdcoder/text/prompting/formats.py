"""The four ways in which a language model can be given a note and say its codes when it is trained to.

Table 1 of "How to leverage large language models for automatic ICD coding", where the first did best:

1. the note → codes;  2. the note → codes with titles;  3. the note and all codes of the label space → codes;
4. the note and all codes with their titles → codes.

The wording around the note is in `prompts/fine_tune.txt` and `prompts/fine_tune_listed.txt`; the paper's own is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError
from icdcoder.core.label_space import LabelSpace
from icdcoder.text.prompting import answers
from icdcoder.text.prompting.templates import Templates

NUMBERS = (1, 2, 3, 4)
NONE = "none"
_BULLET = re.compile(r"^(?:[-*•]+|\d{1,2}\))\s*")
_LIKE_A_CODE = re.compile(r"(?:[A-Z]\d[0-9A-Z]|[EV]?\d{2,3})(?:\.[0-9A-Z]{1,4})?|[0-9A-HJ-NP-Z]{7}")


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
        if structured is None:
            structured = [re.split(r"[\s:–]", _BULLET.sub("", part))[0] for part in self._parts(said)]
        found: dict[Code, None] = {}
        outside: set[str] = set()
        for word in structured:
            word = word.strip("\"'`*[](){}. ").upper()
            code = self._written.get(word) or self._undotted(word)
            if code is not None:
                found[code] = None
            elif _LIKE_A_CODE.fullmatch(word):
                outside.add(word)
        clear_none = said.strip(" .;\n").casefold() in (NONE, "[]", "", "no codes") and said.strip() != ""
        return Parsed(tuple(found), len(outside), not found and not outside and not clear_none)

    def _parts(self, said: str) -> list[str]:
        """What may each begin with a code. A comma tells codes apart, but not within the titles of format 2."""
        parts: list[str] = []
        for part in re.split(r"[;\n]+", said):
            pieces = [piece.strip() for piece in part.split(",") if piece.strip()]
            alone = all(_LIKE_A_CODE.fullmatch(piece.upper()) for piece in pieces)
            parts += pieces if alone or self.number != 2 else pieces[:1]
        return parts

    def _undotted(self, word: str) -> Code | None:
        """A code whose dot was left out, where only one code of the space can be meant."""
        if "." in word or not word:
            return None
        meant = [code for written, code in self._written.items() if written.replace(".", "") == word]
        return meant[0] if len(meant) == 1 else None

    def _item(self, code: Code, *, titled: bool) -> str:
        return f"{code.value} {' '.join(self._descriptions[code].split())}" if titled else code.value
