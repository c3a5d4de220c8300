"""Today's codes as an older edition had them, for notes and corpora coded then.

Since fiscal year 2018 some 230 codes of ICD-10-CM have been divided (R05 → R05.1 … R05.9), some 30 for that year, and
of ICD-9-CM some 100 between 2007 and its end (780.6 → 780.60 … 780.66); a code below one of them is given as the code
that stood for it (knowledge/divided_codes.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from icdcoder.core.code import Code
from icdcoder.knowledge.divided_codes import undivided

Edition = Literal["current", "2018", "2018-short", "2017", "2017-short", "2007"]
""" "2017-short": also without the seventh character, as CodiEsp is coded. "2007": of ICD-9-CM, as CMC 2007 is coded."""

_SEVENTH = 8  # characters with the dot
# The code systems that an edition is one of, with the year since which codes have been divided.
_SINCE = {
    "2018": ("icd10cm", "2018"),
    "2018-short": ("icd10cm", "2018"),
    "2017": ("icd10cm", "2017"),
    "2017-short": ("icd10cm", "2017"),
    "2007": ("icd9cm", "2007"),
}


@dataclass(frozen=True, slots=True)
class OlderEdition:
    """edition: which; "current" changes nothing."""

    edition: Edition

    def code(self, code: Code) -> Code:
        system, year = _SINCE.get(self.edition, ("", ""))
        if code.system != system:
            return code
        code = undivided(code, year)
        value = code.value
        if self.edition.endswith("-short") and len(value) >= _SEVENTH and value[0] in "STVWXYM":
            value = value[: _SEVENTH - 1]
        return Code(code.system, value)
