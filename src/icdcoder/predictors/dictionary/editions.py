"""Today's codes as an older edition had them, for notes and corpora coded then.

Since fiscal year 2018 some 230 codes of ICD-10-CM have been divided (R05 → R05.1 … R05.9); a code below one of them is
given as the code that stood for it. Which, is data (knowledge/data/icd10cm_divided_since_2018.txt).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal

from icdcoder.core.code import Code

Edition = Literal["current", "2018", "2018-short"]
""" "2018-short": also without the seventh character, as CodiEsp is coded."""

_SEVENTH = 8  # characters with the dot


@dataclass(frozen=True, slots=True)
class OlderEdition:
    """edition: which; "current" changes nothing."""

    edition: Edition

    def code(self, code: Code) -> Code:
        if self.edition == "current" or code.system != "icd10cm":
            return code
        divided, others = _changes()
        value = others.get(code.value, code.value)
        # Seventh characters are no division.
        value = next((value[:n] for n in range(len(value) - 1, 2, -1) if value[:n] in divided), value)
        if self.edition == "2018-short" and len(value) >= _SEVENTH and value[0] in "STVWXYM":
            value = value[: _SEVENTH - 1]
            # CodiEsp writes injuries of no named place without placeholders.
            value = value.rstrip("X") if value.startswith("T14") else value
        return Code(code.system, value)


@lru_cache(maxsize=1)
def _changes() -> tuple[frozenset[str], dict[str, str]]:
    text = (files("icdcoder.knowledge") / "data" / "icd10cm_divided_since_2018.txt").read_text(encoding="utf-8")
    first, second = text.split("# Today's code")
    divided = frozenset(word for line in first.splitlines() if not line.startswith("#") for word in line.split())
    pairs = (line.split() for line in second.splitlines()[1:])
    return divided, {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
