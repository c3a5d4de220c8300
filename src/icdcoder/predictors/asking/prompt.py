"""Prompts of questions about a note: text files that a person can read and change.

A prompt is cut before the first place other than {note}: what stands before it is the same for all questions of a note
and is read once, what comes behind it is the question. So the shorter the end of a prompt, the cheaper each question.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from icdcoder.core.errors import ConfigError

OWN = Path(__file__).parent / "prompts"
_PLACE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """before, after: of the note, shared by its questions. question: the rest, with places in braces."""

    text: str
    before: str
    after: str
    question: str

    @classmethod
    def parse(cls, text: str, places: frozenset[str], what: str) -> Prompt:
        """places: that must be in it, each once, behind {note}. what: names the prompt in errors.

        Raises ConfigError."""
        text = text.strip()
        found = [place[1] for place in _PLACE.finditer(text)]
        if sorted(found) != sorted({*places, "note"}) or found[0] != "note":
            needed = " and ".join(f"{{{place}}}" for place in sorted(places))
            raise ConfigError(f"{what} needs {{note}}, and behind it {needed}, each once and no other place in braces.")
        before, _, rest = text.partition("{note}")
        first = _PLACE.search(rest)
        assert first is not None
        # A space before the place belongs to the question, as tokenizers join it with the word behind it.
        cut = len(rest[: first.start()].rstrip(" "))
        return cls(text, before, rest[:cut], rest[cut:])

    @classmethod
    def load(cls, own: str, path: Path | None, places: frozenset[str]) -> Prompt:
        """The user's file, or the one of ours with this name. Raises ConfigError."""
        file = path or OWN / f"{own}.txt"
        try:
            return cls.parse(file.read_text(encoding="utf-8"), places, f"The prompt {file}")
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"The prompt {file} cannot be read as text.") from None

    def fill(self, fields: Mapping[str, str]) -> str:
        """One question; places are filled all at once, so that a brace in a concept's name stays what it is."""
        return _PLACE.sub(lambda place: fields[place[1]], self.question)
