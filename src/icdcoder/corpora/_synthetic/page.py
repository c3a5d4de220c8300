"""A note while it is written: the text so far, and the spans in it."""

from __future__ import annotations

from dataclasses import dataclass

from icdcoder.core.code import Code
from icdcoder.core.document import GoldEvidence
from icdcoder.corpora._synthetic.filler import Slots
from icdcoder.corpora._synthetic.telling import Mention


@dataclass(frozen=True, slots=True)
class Span:
    """[start, end) of the note, and the codes that the words there name."""

    start: int
    end: int
    codes: tuple[Code, ...]


class Page:
    """The text so far, with what was told where."""

    def __init__(self, slots: Slots) -> None:
        self._parts: list[str] = []
        self._slots = slots
        self.length = 0
        self.evidence: list[GoldEvidence] = []
        self.denied: list[Span] = []
        self.mentions: list[Mention] = []

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def write(self, text: str) -> None:
        self._parts.append(text)
        self.length += len(text)

    def tell(self, mention: Mention) -> None:
        """A sentence that is evidence for the mention's codes."""
        self._slots.about(mention.label.theme)
        self.write(mention.template.before.format_map(self._slots))
        self.name(mention, mention.template.surface(mention.expression))
        self.write(mention.template.after.format_map(self._slots))
        self._slots.about(None)

    def name(self, mention: Mention, surface: str) -> None:
        """The expression alone, as evidence."""
        for code in mention.label.codes:
            self.evidence.append(GoldEvidence(code, self.length, self.length + len(surface)))
        self.mentions.append(mention)
        self.write(surface)

    def deny(self, mention: Mention) -> None:
        """A sentence that names the mention's condition as not the patient's."""
        template, start = mention.template, self.length
        surface = template.surface(mention.expression)
        self.write(template.before.format_map(self._slots) + surface + template.after.format_map(self._slots))
        self.denied.append(Span(start, self.length, mention.label.codes))
