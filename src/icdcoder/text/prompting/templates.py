"""Prompts are text files that a person can read and change: `prompts/*.txt` here, or in a folder of the user's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from icdcoder.core.errors import ConfigError

OWN = Path(__file__).parent / "prompts"
_PLACE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Templates:
    """folder: where the user's own templates are; one that is not there is taken from OWN."""

    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.folder is not None and not self.folder.is_dir():
            raise ConfigError(f"There is no folder of prompts {self.folder}.")

    def text(self, name: str) -> str:
        """Raises ConfigError where the file cannot be read."""
        path = OWN / f"{name}.txt"
        if self.folder is not None and (self.folder / f"{name}.txt").exists():
            path = self.folder / f"{name}.txt"
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"The prompt {path} cannot be read as text.") from None

    def fill(self, name: str, **words: str) -> str:
        """The template with {note} and other places filled, all at once: a place named in a note stays as it is.

        Braces around anything else, as in JSON, are left alone. Raises ConfigError where the template has no {note}.
        """
        text = self.text(name)
        if "{note}" not in text:
            raise ConfigError(f"The prompt {name}.txt has no {{note}}, so the model would not see the note.")
        return _PLACE.sub(lambda place: words.get(place[1], place[0]), text)
