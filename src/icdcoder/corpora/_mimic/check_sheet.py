"""The check sheet: what the literature says of a data set beside what was counted, and the reason where it is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from icdcoder.corpora._mimic.published import FIGURES

# Travels with the prepared folder and into every coder that is trained on it.
LICENCE = (
    "PhysioNet Credentialed Health Data Use Agreement 1.5.0: notes, and coders trained on them, are for those who "
    "signed it; share neither the prepared folder nor a coder that may hold words of notes, do not send them to other "
    "services, do not try to identify anyone, and cite the data set"
)

Verdict = Literal["same", "explained", "differs", "other words", "not counted", "not published"]


@dataclass(frozen=True, slots=True)
class CheckRow:
    """what: the figure. published, yours: None where there is none. because: the cause of a difference, where known.
    comparable: whether both count the same words."""

    what: str
    published: int | str | None
    yours: int | str | None
    source: str = ""
    because: str = ""
    comparable: bool = True

    @property
    def verdict(self) -> Verdict:
        if self.yours is None:
            return "not counted"
        if self.published is None:
            return "not published"
        if not self.comparable:
            return "other words"
        if self.yours == self.published:
            return "same"
        return "explained" if self.because else "differs"


def check_sheet(dataset: str, facts: Mapping[str, Any]) -> list[CheckRow]:
    """Rows of the figures published for `dataset`, in their order, then those facts that nobody has published.

    facts: numbers by the names of `published.py`; "top codes" is a list of code values, most frequent first. A figure
    that `facts` lacks is shown as not counted. A difference is never passed over: it is explained or it "differs".
    "text" among the facts: the settings of words (rule, min_documents); figures of other words are not compared.
    """
    rows = []
    text = facts.get("text")
    known = FIGURES.get(dataset, ())
    for figure in known:
        yours = facts.get(figure.what)
        if figure.what == "top codes":
            rows.append(_top_codes(str(figure.value).split(), yours, figure.source))
        else:
            comparable = figure.compares(text)
            because = figure.because if comparable and yours != figure.value and figure.explains(yours) else ""
            rows.append(CheckRow(figure.what, figure.value, yours, figure.source, because, comparable))
    shown = {figure.what for figure in known}
    rows += [
        CheckRow(what, None, value)
        for what, value in facts.items()
        if what not in shown and isinstance(value, int) and not isinstance(value, bool)
    ]
    return rows


def _top_codes(published: Sequence[str], yours: Sequence[str] | None, source: str) -> CheckRow:
    """The list as a set: the order of codes that are about as frequent says nothing."""
    said = f"{len(published)} codes"
    if yours is None:
        return CheckRow("top codes", said, None, source)
    missing, new = (sorted((Counter(a) - Counter(b)).elements()) for a, b in ((published, yours), (yours, published)))
    if not missing and not new:
        return CheckRow("top codes", said, said, source)
    found = f"without {_some(missing)}; with {_some(new)}"
    because = ""
    if missing == ["37.23"] and new == ["93.90"]:
        because = "the reference lost part of 93.90 to 93.9 by reading codes as numbers; labels = 'caml' repeats it"
    return CheckRow("top codes", said, found, source, because)


def _some(codes: Sequence[str], most: int = 4) -> str:
    more = f" and {len(codes) - most} more" if len(codes) > most else ""
    return f"{', '.join(codes[:most])}{more}" or "none"


def to_json(rows: Sequence[CheckRow]) -> list[dict[str, Any]]:
    """For card.json."""
    return [
        {
            "what": row.what,
            "published": row.published,
            "yours": row.yours,
            "verdict": row.verdict,
            "because": row.because,
            "source": row.source,
        }
        for row in rows
    ]
