"""Where the skin is hurt, and the codes of ICD-10-CM for wounds, bruises and burns there, as data."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from icdcoder.knowledge.shipped import rows

TABLE = "wound_sites.tsv"
Side = Literal["right", "left", ""]
Kind = Literal["open", "bruise", "abrasion", "burn", "crush"]

_SIDES: tuple[Side, ...] = ("right", "left", "")
_BY_SIDE = re.compile(r"\[(\w{3})\]")


class Site(NamedTuple):
    """Codes with K for the kind of an open wound and D for the degree of a burn; "-" where there is none."""

    open: str
    bruise: str
    abrasion: str
    burn: str
    crush: str

    def code(self, kind: Kind, character: str, side: Side) -> str | None:
        """character: in the place of K or D."""
        stem = getattr(self, kind)
        if stem == "-":
            return None
        value = _BY_SIDE.sub(lambda match: match[1][_SIDES.index(side)], stem)
        return value.replace("K", character).replace("D", character)


@lru_cache(maxsize=1)
def sites() -> dict[str, Site]:
    """By their words, the longest first."""
    found = {word: Site(*codes) for words, *codes in rows(TABLE) for word in words.split("|")}
    return dict(sorted(found.items(), key=lambda item: -len(item[0])))
