"""Why a coder over concepts gives a code: the concepts that support it, those that are missing, and what each weighs.

Every answer can be set by a person; what follows for the codes is computed at once, as only the second stage is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.core.code import Code
from icdcoder.core.concept import ConceptCoder
from icdcoder.core.errors import ConfigError, InputError
from icdcoder.core.note import Note
from icdcoder.core.prediction import Evidence, Predictor

# An answer of one half or more supports.
YES = 0.5
ANSWERS = {"yes": 1.0, "no": 0.0}
Answered = Mapping[str, float | str]
# Probabilities nearer to 0 or 1 are not told apart in log-odds.
_LEAST = 1e-7


@dataclass(frozen=True, slots=True)
class ConceptReason:
    """One concept and one code.

    score: the probability that the note supports the concept, or the answer that was set. weight: by how much the
    code's log-odds stand higher with the answer "yes" than with "no", all else equal. own: whether the concept bears
    on the code by its meaning; the head may have learnt from others. evidence: where the note speaks of it, also to
    deny it.
    """

    concept: str
    layer: int
    score: float
    weight: float
    own: bool
    is_set: bool
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeReasons:
    """before: the probability without the answers that were set. supporting: the code's own first, by falling share in
    the log-odds. missing: by falling weight. concepts_from: the code above, where its concepts stand in for those that
    this code has none of."""

    code: Code
    score: float
    accepted: bool
    before: float
    supporting: tuple[ConceptReason, ...]
    missing: tuple[ConceptReason, ...]
    concepts_from: Code | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "code": str(self.code),
            "score": self.score,
            "accepted": self.accepted,
            "before": self.before,
            "concepts_from": str(self.concepts_from) if self.concepts_from else None,
            "supporting": [_to_json(reason) for reason in self.supporting],
            "missing": [_to_json(reason) for reason in self.missing],
        }


def explain(
    predictor: Predictor, note: Note, codes: Sequence[Code], *, spans: int = 3
) -> dict[Code, tuple[Evidence, ...]]:
    """At most `spans` spans a code: where the note affirms the code's own concepts. Raises ConfigError where the
    predictor has none."""
    found = {}
    for one in reasons(predictor, note, codes):
        places = {(e.start, e.end): e for reason in one.supporting if reason.own for e in reason.evidence}
        found[one.code] = tuple(places.values())[:spans]
    return found


def reasons(
    predictor: Predictor, note: Note, codes: Sequence[Code] = (), answers: Answered | None = None
) -> tuple[CodeReasons, ...]:
    """codes: none: those that are accepted, before or after. answers: {name of a concept: "yes", "no", or a
    probability in [0, 1]}.

    Raises ConfigError where the predictor has no concepts, InputError for an unknown concept, code or answer.
    """
    if not isinstance(predictor, ConceptCoder):
        raise ConfigError(f"The coder {predictor.name.name!r} does not decide over concepts.")
    scores = predictor.concept_scores([note])
    given = _given(predictor, answers or {})
    changed = scores.copy()
    changed[0, list(given)] = list(given.values())
    for code in [codes] if isinstance(codes, str) else codes:
        if not isinstance(code, Code):
            raise InputError(f"{code!r} is no Code; write [Code.parse('icd10cm:I10')].")
    wanted = [predictor.space.index(code) for code in codes]
    both = np.concatenate([scores, changed])
    before, after = np.zeros((2, len(predictor.space)), dtype=np.float32)
    if wanted:
        before[wanted], after[wanted] = predictor.code_probabilities(both, [note], wanted)
    else:
        before, after = predictor.code_probabilities(both, [note])
        either = np.maximum(before, after)
        wanted = [int(i) for i in np.argsort(-after, kind="stable") if either[i] > predictor.threshold]
    weights = _weights(predictor, note, changed, wanted)
    spans = predictor.concept_evidence(note)
    found = []
    for place, index in enumerate(wanted):
        every = _reasons(predictor, index, changed[0], weights[place], spans, given)
        code = predictor.space.codes[index]
        found.append(
            CodeReasons(
                code=code,
                score=float(after[index]),
                accepted=bool(after[index] > predictor.threshold),
                before=float(before[index]),
                supporting=tuple(
                    sorted((r for r in every if r.score >= YES), key=lambda r: (not r.own, -r.weight * r.score))
                ),
                missing=tuple(sorted((r for r in every if r.score < YES), key=lambda r: -r.weight)),
                concepts_from=predictor.concepts_from.get(code),
            )
        )
    return tuple(found)


def parse_answers(settings: Sequence[str]) -> dict[str, float]:
    """ "lisinopril=no", "HTN=yes", "HTN=0.3" → {name: probability}. Raises InputError."""
    found: dict[str, float] = {}
    for setting in settings:
        name, equals, value = setting.rpartition("=")
        if not equals or not name.strip():
            raise InputError(f"{setting!r} is not an answer; write concept=yes, concept=no or concept=0.3.")
        answer = value.strip().lower()
        try:
            given = ANSWERS[answer] if answer in ANSWERS else float(answer)
        except ValueError:
            raise InputError(f"The answer {value!r} is neither yes, nor no, nor a probability.") from None
        if not 0 <= given <= 1:
            raise InputError(f"The answer for {name.strip()!r} is {given}; it is a probability from 0 to 1.")
        if found.setdefault(name.strip(), given) != given:
            raise InputError(f"The concept {name.strip()!r} is answered in two ways; give one answer.")
    return found


def _given(predictor: ConceptCoder, answers: Answered) -> dict[int, float]:
    found: dict[int, float] = {}
    for name, answer in answers.items():
        value = ANSWERS.get(answer) if isinstance(answer, str) else answer
        if value is None or not 0 <= value <= 1:
            raise InputError(f"The answer for {name!r} is {answer!r}; it is yes, no or a probability from 0 to 1.")
        if found.setdefault(predictor.concept_index(name), value) != value:
            raise InputError(f"The concept {name!r} is answered in two ways, under two of its names; give one answer.")
    return found


def _weights(
    predictor: ConceptCoder, note: Note, scores: npt.NDArray[np.float32], codes: Sequence[int]
) -> npt.NDArray[np.float64]:
    """Matrix "code concept": log-odds with the answer yes less those with no; 0 where it was not tried."""
    # Only answers that are shown are tried: of concepts that bear on a wanted code, and of those that are in the note.
    tried = np.flatnonzero(predictor.membership[list(codes)].any(0) | (scores[0] >= YES))
    rows = np.repeat(scores, 2 * len(tried), axis=0)
    rows[np.arange(len(tried)), tried] = 1.0
    rows[np.arange(len(tried)) + len(tried), tried] = 0.0
    weights = np.zeros((len(codes), scores.shape[1]))
    if not len(tried):
        return weights
    likely = np.clip(predictor.code_probabilities(rows, [note], codes).astype(np.float64), _LEAST, 1 - _LEAST)
    odds = np.log(likely / (1 - likely))
    weights[:, tried] = (odds[: len(tried)] - odds[len(tried) :]).T
    return weights


def _reasons(
    predictor: ConceptCoder,
    code: int,
    scores: npt.NDArray[np.float32],
    weights: npt.NDArray[np.float64],
    spans: Mapping[int, tuple[Evidence, ...]],
    given: Mapping[int, float],
) -> list[ConceptReason]:
    """The code's own concepts, and others that stand in the note and speak for it."""
    own = predictor.membership[code]
    kept = np.flatnonzero(own | ((scores >= YES) & (weights > 0)))
    return [
        ConceptReason(
            concept=predictor.concept_names[i],
            layer=predictor.concept_layers[i],
            score=float(scores[i]),
            weight=float(weights[i]),
            own=bool(own[i]),
            is_set=int(i) in given,
            evidence=tuple(spans.get(int(i), ())),
        )
        for i in kept
    ]


def _to_json(reason: ConceptReason) -> dict[str, Any]:
    return {
        "concept": reason.concept,
        "layer": reason.layer,
        "score": reason.score,
        "weight": reason.weight,
        "own": reason.own,
        "is_set": reason.is_set,
        "evidence": [{"start": e.start, "end": e.end, "text": e.text, "method": e.method} for e in reason.evidence],
    }
