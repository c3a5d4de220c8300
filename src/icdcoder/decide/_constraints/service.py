"""The date of service, where a note's heading states it, and the edition of a code set that it falls under."""

from __future__ import annotations

import re
from datetime import date

_HEADING = re.compile(
    r"^[ \t]*(?:date of (?:service|discharge|visit|admission)|(?:service|discharge|visit|admission) date)[ \t]*:[ \t]*"
    r"(?:(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})|(?P<m2>\d{1,2})/(?P<d2>\d{1,2})/(?P<y2>\d{4}))\b",
    re.IGNORECASE | re.MULTILINE,
)
_BEGINNING = 2000
# The first day of ICD-10-CM. Dates before it, and those that de-identification has moved, say nothing of it.
FIRST = date(2015, 10, 1)


def stated_date(text: str, today: date) -> date | None:
    """The latest date in the headings of a note; None where there is none between FIRST and today."""
    found: list[date] = []
    for match in _HEADING.finditer(text[:_BEGINNING]):
        year, month, day = (int(match[name] or match[f"{name}2"]) for name in "ymd")
        try:
            found.append(date(year, month, day))
        except ValueError:
            continue
    latest = max(found, default=None)
    return latest if latest and FIRST <= latest <= today else None


def fiscal_year(served: date) -> int:
    """Editions are in force from October to September and are named by the year in which they end."""
    return served.year + (served.month >= 10)
