"""What code systems say of their codes: one text a category, its codes below it, one line a code."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from icdcoder.core.config import Settings
from icdcoder.knowledge import descriptions


class Config(Settings):
    systems: tuple[str, ...] = Field(("icd10cm", "icd9cm"), min_length=1)


def texts(config: Config) -> Iterator[str]:
    for system in config.systems:
        category, lines = "", list[str]()
        for code, title in descriptions.load(system).items():
            above = code.value.partition(".")[0][:3]
            if above != category and lines:
                yield "\n".join(lines)
                lines = []
            category = above
            lines.append(f"{code.value} {title}")
        if lines:
            yield "\n".join(lines)
