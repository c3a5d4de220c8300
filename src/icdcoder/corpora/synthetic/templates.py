"""The sentences in which mentions stand (`mentions.toml`), and what each says when an expression stands in it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from icdcoder.core.code import Code
from icdcoder.corpora.synthetic.labels import Expression
from icdcoder.corpora.synthetic.laboratory import Laboratory
from icdcoder.corpora.synthetic.phrases import Phrases


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
    read = tomllib.loads((files("icdcoder.corpora.synthetic") / "mentions.toml").read_text(encoding="utf-8"))
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
    """Reads sentences as a careful reader would, and remembers what it read: few templates, many notes."""

    def __init__(self, laboratory: Laboratory) -> None:
        self._laboratory = laboratory
        self._words = {word for e in laboratory.expressions for word in Phrases.key(e.text)} - {""}
        self._alone: dict[int, Saying] = {}
        self._together: dict[tuple[int, int], Saying] = {}
        self._apart: dict[int, bool] = {}

    def sentence(self, template: Template, expression: Expression) -> Saying:
        """What the template with the expression in it says."""
        if self._stands_apart(template):
            saying = self._alone.get(expression.number)
            if saying is None:
                saying = self._alone[expression.number] = self.text(expression.text)
            return saying
        key = template.number, expression.number
        saying = self._together.get(key)
        if saying is None:
            saying = self._together[key] = self.text(template.before + template.surface(expression) + template.after)
        return saying

    def text(self, text: str) -> Saying:
        laboratory = self._laboratory
        found = {occurrence.phrase for occurrence in laboratory.phrases.find(text)}
        codes = frozenset(code for number in found for code in laboratory.owners[number])
        return Saying(codes, any(laboratory.expressions[number].held_out for number in found))

    def _stands_apart(self, template: Template) -> bool:
        """Whether neither neighbour of the expression is a word of any expression, so that none can be read across,
        and the template itself tells nothing."""
        apart = self._apart.get(template.number)
        if apart is None:
            before, after = Phrases.key(template.before + "x"), Phrases.key("x" + template.after)
            neighbours = {before[-2]} if len(before) > 1 else set[str]()
            neighbours |= {after[1]} if len(after) > 1 else set[str]()
            alone = self.text(template.before + " ; " + template.after)
            apart = self._apart[template.number] = not neighbours & self._words and not alone.codes
        return apart
