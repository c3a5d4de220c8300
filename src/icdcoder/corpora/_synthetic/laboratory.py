"""Which conditions and expressions the notes are made of, chosen so that no wording tells a wrong code.

"Acute on chronic renal failure" contains "chronic renal failure", which is another code: such an expression is kept,
and is written only where the codes of everything it contains are true of the patient as well. A condition of which
nearly all wordings contain those of more common ones cannot be told apart, and is left out.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError
from icdcoder.corpora._synthetic import patients
from icdcoder.corpora._synthetic.config import Config
from icdcoder.corpora._synthetic.labels import Expression, Label, make, shape
from icdcoder.corpora._synthetic.phrases import WITHIN, Phrases
from icdcoder.knowledge.expressions import KINDS, load_groups

SYSTEMS = {"icd9": ("icd9cm", "icd9pcs"), "icd10": ("icd10cm", "icd10pcs")}
MIN_CLEAR = 3  # wordings, other than indirect ones, that contain no other condition's


@dataclass(frozen=True)
class Laboratory:
    """labels: by falling frequency. expressions: `Expression.number` is the place here and in `phrases`; owners: the
    codes each of them tells. left_out: reason → count of conditions."""

    labels: tuple[Label, ...]
    expressions: tuple[Expression, ...]
    owners: tuple[frozenset[Code], ...]
    phrases: Phrases
    left_out: dict[str, int]


@dataclass(eq=False)
class _Candidate:
    codes: tuple[Code, ...]
    equivalent: list[Code] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)  # expression → kind


def build(config: Config) -> Laboratory:
    """Raises ConfigError where icdcoder has expressions of fewer conditions than `config.codes`."""
    known = _known(config.systems)
    chosen = _chosen(known, config.codes)
    if config.codes is not None and len(chosen) < config.codes:
        raise ConfigError(
            f"corpus.codes is {config.codes}, but only {len(chosen)} conditions of {config.systems} can be told apart; "
            f"ask for {len(chosen)} or fewer."
        )
    left_out = {"conditions of pregnancy, birth and the newborn": known.left_out}
    if config.codes is None:
        left_out["conditions told only in words that contain another's"] = len(known.candidates) - len(chosen)
    plain = [
        (candidate, Expression(0, text, kind, shape(text, kind)))
        for candidate in chosen
        for text, kind in candidate.texts.items()
    ]
    phrases = Phrases([expression.text for _, expression in plain])
    owners = tuple(frozenset(candidate.codes) for candidate, _ in plain)
    held_out = _held_out([expression for _, expression in plain], owners, phrases, config)
    expressions = tuple(
        replace(expression, number=number, held_out=number in held_out) for number, (_, expression) in enumerate(plain)
    )
    by_candidate: dict[_Candidate, list[Expression]] = defaultdict(list)
    for (candidate, _), expression in zip(plain, expressions, strict=True):
        by_candidate[candidate].append(expression)
    labels = tuple(make(n, c.codes, c.equivalent, by_candidate[c]) for n, c in enumerate(chosen))
    return Laboratory(labels, expressions, owners, phrases, left_out)


@dataclass(frozen=True)
class _Known:
    """candidates: most frequent first. inner: for each, the other candidates in each of its direct wordings."""

    candidates: tuple[_Candidate, ...]
    inner: tuple[tuple[frozenset[int], ...], ...]
    left_out: int


@cache
def _known(systems: str) -> _Known:
    """Groups of the same codes in these systems are one candidate."""
    adults = patients.tables().left_out
    found: dict[frozenset[Code], _Candidate] = {}
    left_out = 0
    for group in load_groups():
        codes = tuple(sorted(code for code in group.codes if code.system in SYSTEMS[systems]))
        if not codes:
            continue
        if patients.has_prefix((c for c in group.codes if not c.system.endswith("pcs")), adults):
            left_out += 1
            continue
        candidate = found.setdefault(frozenset(codes), _Candidate(codes))
        candidate.equivalent += [code for code in group.codes if code not in candidate.equivalent]
        for kind in KINDS:
            for text in group.by_kind.get(kind, ()):
                candidate.texts.setdefault(text, kind)
    candidates = tuple(_by_frequency(found.values()))
    return _Known(candidates, _contained(candidates), left_out)


def _by_frequency(candidates: Iterable[_Candidate]) -> list[_Candidate]:
    """The common ones in their order, then those with the most expressions first."""
    place = {value: number for number, value in enumerate(patients.tables().common)}
    rank: dict[int, _Candidate] = {}
    rest: list[_Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (-len(c.texts), c.codes)):
        values = [code.value for code in candidate.equivalent] if len(candidate.codes) == 1 else []
        number = min((place[value] for value in values if value in place), default=None)
        if number is None or number in rank:
            rest.append(candidate)
        else:
            rank[number] = candidate
    return [rank[number] for number in sorted(rank)] + rest


def _chosen(known: _Known, wanted: int | None) -> list[_Candidate]:
    """The most common candidates that keep MIN_CLEAR wordings each beside the others chosen."""
    containing: dict[int, set[int]] = defaultdict(set)
    for outer, wordings in enumerate(known.inner):
        for number in frozenset().union(*wordings):
            containing[number].add(outer)
    chosen: set[int] = set()

    def clear(number: int, among: set[int]) -> bool:
        return sum(contained.isdisjoint(among) for contained in known.inner[number]) >= MIN_CLEAR

    for number in range(len(known.candidates)):
        if wanted is not None and len(chosen) == wanted:
            break
        with_it = chosen | {number}
        if all(clear(other, with_it) for other in {number} | (containing[number] & chosen)):
            chosen = with_it
    return [known.candidates[number] for number in sorted(chosen)]


def _contained(candidates: Sequence[_Candidate]) -> tuple[tuple[frozenset[int], ...], ...]:
    """For each candidate's direct wordings (alike ones once), the other candidates whose words they contain."""
    flat = [(number, text) for number, candidate in enumerate(candidates) for text in candidate.texts]
    phrases = Phrases([text for _, text in flat])
    inner = []
    for candidate in candidates:
        wordings: dict[tuple[str, ...], frozenset[int]] = {}
        for text, kind in candidate.texts.items():
            if kind != "indirect" and (key := Phrases.key(text)):
                others = {flat[occurrence.phrase][0] for occurrence in phrases.find(WITHIN + text)}
                wordings[key] = frozenset(o for o in others if not set(candidates[o].codes) <= set(candidate.codes))
        inner.append(tuple(wordings.values()))
    return tuple(inner)


def _held_out(
    expressions: Sequence[Expression], owners: Sequence[frozenset[Code]], phrases: Phrases, config: Config
) -> set[int]:
    """Expressions for the test part only. What contains a held-out expression is held out with it, as it would show
    it; one that other conditions' expressions contain is never held out. The first wordings stay known."""
    containers: list[set[int]] = [set() for _ in expressions]
    contents: list[set[int]] = [set() for _ in expressions]
    for number, expression in enumerate(expressions):
        for occurrence in phrases.find(WITHIN + expression.text):
            containers[occurrence.phrase].add(number)
            contents[number].add(occurrence.phrase)
    by_codes: dict[tuple[frozenset[Code], bool], list[int]] = defaultdict(list)
    for number, expression in enumerate(expressions):
        by_codes[owners[number], expression.kind == "indirect"].append(number)
    held: set[int] = set()
    for (codes, indirect), own in by_codes.items():
        rng = random.Random(f"{config.seed}/held out/{sorted(map(str, codes))}/{indirect}")
        clear = {n for n in own if all(owners[m] <= codes for m in contents[n])}
        keep = {*sorted(clear)[: 1 if indirect else MIN_CLEAR - 1]}
        budget = round(config.held_out_expressions * len(own))
        mine: set[int] = set()
        # Wordings that share nothing with others come first: the rest could be guessed from the words they share.
        order = sorted(own, key=lambda n: (len(contents[n] & set(own)) > 1, rng.random()))
        for number in order:
            closure = containers[number] | {number}
            if len(mine | closure) <= budget and not closure & keep and all(owners[n] == codes for n in closure):
                mine |= closure
        held |= mine
    return held
