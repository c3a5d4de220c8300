"""One text about each code: the knowledge that a language model is given beside a note.

The two kinds that "How to leverage large language models for automatic ICD coding" compares (appendix B): medical
expressions, which did best, and descriptions.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from icdcoder.core.code import Code
from icdcoder.knowledge import descriptions, expressions

Kind = Literal["medical_expressions", "code_descriptions"]


def of(codes: Iterable[Code], kind: Kind, file: Path | None = None) -> list[str]:
    """The text about each code; "" where nothing is known.

    Expressions are written one behind the other, terms before abbreviations and synonyms; a code that has none gets
    its description. file: of the user's, with expressions beside our own or descriptions in place of ours.
    """
    listed = list(codes)
    if kind == "code_descriptions":
        return list(descriptions.of(listed, file))
    titles = descriptions.of(listed)
    more = () if file is None else (file,)
    known = {system: expressions.load(system, more=more) for system in {code.system for code in listed}}
    return [
        "; ".join(one.text for one in known[code.system][code]) if code in known[code.system] else title
        for code, title in zip(listed, titles, strict=True)
    ]
