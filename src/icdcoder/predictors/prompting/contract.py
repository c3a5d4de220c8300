"""What strategies work with, and what they give."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from icdcoder.endpoint.chat import Answer, Chat
from icdcoder.predictors.prompting.codebook import Codebook
from icdcoder.text.prompting.answers import Claim, claims
from icdcoder.text.prompting.templates import Templates


@dataclass(frozen=True)
class Tools:
    """chat: who is asked. breadth: how many options of a level the tree search follows at most. most_questions: for
    one note. candidates: how many codes are retrieved. examples: file of few-shot examples, None for our own."""

    chat: Chat
    codebook: Codebook
    templates: Templates
    breadth: int = 6
    most_questions: int = 40
    candidates: int = 60
    examples: Path | None = None

    def ask(self, name: str, **words: str) -> Answer:
        """The answer to the template of that name, with these words in it. Raises EndpointError."""
        prompt = self.templates.fill(name, system=self.codebook.title, answer=self.templates.text("answer"), **words)
        return self.chat.ask([{"role": "user", "content": prompt}])


@dataclass(slots=True)
class Outcome:
    """claims: in the order of the answers. prose: how many answers could not be read. cut: how many had no end."""

    claims: list[Claim] = field(default_factory=list)
    prose: int = 0
    cut: int = 0
    warnings: list[str] = field(default_factory=list)

    def add(self, answer: Answer) -> None:
        """What an answer to a question for codes says."""
        found = claims(answer.text)
        self.cut += not answer.finished
        self.claims += found.claims
        if answer.finished or answer.text.strip():  # what was cut before it began is no prose
            self.prose += found.prose
