"""One question: the note, and which codes it supports. A label space is listed in the question where there is one."""

from __future__ import annotations

from icdcoder.predictors.prompting.contract import Outcome, Tools


def code(text: str, tools: Tools) -> Outcome:
    outcome = Outcome()
    outcome.add(tools.ask("zero_shot", note=text, allowed=allowed(tools)))
    return outcome


def allowed(tools: Tools) -> str:
    """The label space as a part of the question; nothing where all codes may be answered."""
    if tools.codebook.only is None:
        return ""
    return f"Only these codes may be given:\n<codes>\n{tools.codebook.lines(tools.codebook.only)}\n</codes>\n"
