"""Down the classification: chapters, blocks, categories, and codes with quotes at last.

At each step the model chooses from numbered options, `breadth` of them at most; all codes below the chosen categories
are then shown together. A category that is billable itself is among them.
"""

from __future__ import annotations

from collections.abc import Iterator

from icdcoder.core.code import Code
from icdcoder.predictors.prompting.codebook import Node
from icdcoder.predictors.prompting.contract import Outcome, Tools
from icdcoder.text.prompting.answers import numbers

# Codes shown in one question.
AT_ONCE = 120


def code(text: str, tools: Tools) -> Outcome:
    outcome = Outcome()
    left = [tools.most_questions]
    chosen: list[Node | None] = [None]
    for _ in ("chapters", "blocks", "categories"):
        chosen = [node for above in chosen for node in _choose(text, tools, above, outcome, left)]
    codes = tuple(code for node in chosen if node and node.code for code in tools.codebook.claimable(node.code))
    for part in _parts(codes):
        if not _may_ask(left, outcome):
            break
        outcome.add(tools.ask("rerank", note=text, candidates=tools.codebook.lines(part)))
    return outcome


def _choose(text: str, tools: Tools, above: Node | None, outcome: Outcome, left: list[int]) -> list[Node]:
    options = tools.codebook.below(above)
    if len(options) == 1:
        return options
    if not _may_ask(left, outcome):
        return []
    listed = "\n".join(f"{number}. {option.title}" for number, option in enumerate(options, start=1))
    answer = tools.ask("tree", note=text, options=listed)
    outcome.cut += not answer.finished
    found = numbers(answer.text, len(options))
    if found is None:
        outcome.prose += 1
        return []
    return [options[number - 1] for number in found[: tools.breadth]]


def _may_ask(left: list[int], outcome: Outcome) -> bool:
    if left[0] <= 0:
        warning = "The search stopped at most_questions, so parts of the classification were not looked at."
        if warning not in outcome.warnings:
            outcome.warnings.append(warning)
        return False
    left[0] -= 1
    return True


def _parts(codes: tuple[Code, ...]) -> Iterator[tuple[Code, ...]]:
    for start in range(0, len(codes), AT_ONCE):
        yield codes[start : start + AT_ONCE]
