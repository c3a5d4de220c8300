"""What the codes that a ranker accepts say of each other: one for two conditions takes the place of the first of them,
and a less specific code goes beside a more specific one. Symptoms stay: corpora differ in whether a disease says them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from icdcoder.knowledge.combinations import combined
from icdcoder.knowledge.said_by_another import said_by_others
from icdcoder.predictors.dictionary.candidates.together import LESS_SPECIFIC, gives_way, less_specific

if TYPE_CHECKING:
    from icdcoder.core.code import Code
    from icdcoder.predictors.dictionary.candidates.candidate import Descriptions

_SYMPTOMS = ("R", "M25", "M54", "M79")


def consistent(found: Mapping[Code, float], threshold: float, descriptions: Descriptions) -> dict[Code, float]:
    """{code: probability}, of which those are lowered that others of the accepted ones say already."""
    probabilities = dict(found)

    def accepted() -> list[Code]:
        known = (code for code, value in probabilities.items() if value > threshold and descriptions.known(code))
        return sorted(known, key=lambda code: -probabilities[code])

    def lower(code: Code) -> None:
        probabilities[code] = min(probabilities[code], threshold * LESS_SPECIFIC)

    # A combination may be combined once more, as in predictors/dictionary/together.py.
    for _ in range(2):
        for first, _other, both in list(combined(accepted())):
            if both in probabilities:
                probabilities[both] = max(probabilities[both], probabilities[first])
                if gives_way(first):
                    lower(first)
    codes = accepted()
    for code in less_specific(codes, codes, descriptions):
        lower(code)
    for code in said_by_others(accepted()):
        if not code.value.startswith(_SYMPTOMS):
            lower(code)
    return probabilities
