"""Retrieve, then rerank: the built-in dictionary proposes codes from titles, index terms and expressions; the model
chooses among them. It cannot give a code that was not proposed."""

from __future__ import annotations

from functools import cache

from icdcoder.core.note import Note
from icdcoder.predictors import lexicon
from icdcoder.predictors.prompting.contract import Outcome, Tools

EVERY = 10_000


def code(text: str, tools: Tools) -> Outcome:
    # All of them, as those that may not be answered take no place among the candidates.
    proposed = next(iter(_retriever(tools.codebook.name).predict([Note("", text)], top=EVERY))).codes
    found = tuple(c.code for c in proposed if tools.codebook.code(c.code.value) == c.code)[: tools.candidates]
    outcome = Outcome()
    if not found:
        outcome.warnings.append("The search proposed no code, so the model was not asked.")
        return outcome
    outcome.add(tools.ask("rerank", note=text, candidates=tools.codebook.lines(found)))
    outside = [claim for claim in outcome.claims if tools.codebook.code(claim.code) not in {None, *found}]
    outcome.claims = [claim for claim in outcome.claims if claim not in outside]
    if outside:
        outcome.warnings.append(f"Dropped, since they had not been proposed to the model: {len(outside)}.")
    return outcome


@cache
def _retriever(system: str) -> lexicon.LexiconPredictor:
    return lexicon.build(lexicon.Config.model_validate({"system": system}))
