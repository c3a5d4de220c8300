"""The sentences in which mentions stand (`mentions.toml`), and what each says when an expression stands in it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

from icdcoder.core.code import Code
from icdcoder.corpora._synthetic.labels import Expression
from icdcoder.corpora._synthetic.laboratory import Laboratory
from icdcoder.corpora._synthetic.phrases import WITHIN, Edges


@dataclass(frozen=True, slots=True)
class Template:
    """before + expression + after; capital: the expression begins a sentence. Both parts may hold slots."""

    number: int
    before: str
    after: str
    capital: bool

    def surface(self, expression: Expression) -> str:
        return expression.capital if self.capital else expression.text


@dataclass(frozen=True, slots=True)
class Saying:
    """What a reader finds in a sentence. codes: all that it tells; held_out: it holds wording of the test part."""

    codes: frozenset[Code]
    held_out: bool


Place = tuple[str, str]  # table and key of mentions.toml, such as ("present", "noun")


@cache
def templates() -> Mapping[Place, tuple[Template, ...]]:
    """Templates by place. A place's "noun" list holds its "any" list too, as a noun phrase fits both."""
    read = tomllib.loads((files("icdcoder.corpora._synthetic") / "mentions.toml").read_text(encoding="utf-8"))
    found: dict[Place, tuple[Template, ...]] = {}
    number = 0
    for table, lists in read.items():
        for key, texts in lists.items():
            parsed = []
            for text in texts:
                parsed.append(_template(number, text))
                number += 1
            found[table, key] = tuple(parsed)
        if "noun" in lists and "any" in lists:
            found[table, "noun"] += found[table, "any"]
        elif "any" in lists:
            found[table, "noun"] = found[table, "any"]
    return found


def _template(number: int, text: str) -> Template:
    slot = "{X}" if "{X}" in text else "{x}" if "{x}" in text else ""
    before, _, after = text.partition(slot) if slot else (text, "", "")
    return Template(number, before, after, slot == "{X}")


class Reader:
    """Reads sentences as a careful reader would: also what stands across the edges of what was put together."""

    def __init__(self, laboratory: Laboratory) -> None:
        self._laboratory = laboratory
        self._read: dict[str, tuple[Saying, Edges]] = {}

    def sentence(self, template: Template, expression: Expression) -> Saying:
        """What the template with the expression in it says."""
        return self.joined((template.before, template.surface(expression), template.after))

    def joined(self, parts: Sequence[str]) -> Saying:
        """What the parts say one after the other. Nearly always it is what they say alone, and that is remembered."""
        read = [alone for part in parts if (alone := self._alone(part))[1].first]
        phrases = self._laboratory.phrases
        if any(phrases.may_join(left, right) for (_, left), (_, right) in pairwise(read)):
            return self._saying("".join(parts))
        said = [saying for saying, _ in read if saying.codes]
        if len(said) == 1:
            return said[0]
        return Saying(frozenset().union(*(s.codes for s in said)), any(s.held_out for s in said))

    def _alone(self, text: str) -> tuple[Saying, Edges]:
        known = self._read.get(text)
        if known is None:
            known = self._read[text] = self._saying(WITHIN + text), Edges.of(text)
        return known

    def _saying(self, text: str) -> Saying:
        laboratory = self._laboratory
        found = {occurrence.phrase for occurrence in laboratory.phrases.find(text)}
        codes = frozenset(code for number in found for code in laboratory.owners[number])
        return Saying(codes, any(laboratory.expressions[number].held_out for number in found))
