"""What a note says of each of its codes, and where: directly, by abbreviation, or only by indirect evidence."""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from icdcoder.core.code import Code
from icdcoder.corpora._synthetic.admissions import Admission
from icdcoder.corpora._synthetic.config import Config
from icdcoder.corpora._synthetic.labels import Expression, Label, Pool, Pools
from icdcoder.corpora._synthetic.templates import Reader, Template, templates

# Where a note speaks of a label of each nature, and how often. The first place is the one that always serves.
_PLACES = {
    "chronic": (("history", 0.7), ("opening", 0.35), ("problem", 0.2), ("diagnosis", 0.25)),
    "acute": (("diagnosis", 0.5), ("present", 0.4), ("problem", 0.5), ("course", 0.15), ("advice", 0.08)),
    "status": (("history", 0.7), ("opening", 0.2), ("status", 0.3)),
    "procedure": (("procedure_list", 0.5), ("procedure", 0.65)),
}
_LATE_PLACES = {
    "chronic": (("diagnosis", 0.6), ("problem", 0.5)),
    "acute": (("diagnosis", 0.5), ("problem", 0.6), ("course", 0.4)),
    "status": (("diagnosis", 1.0),),
    "procedure": (("procedure", 1.0),),
}
# Indirect evidence: place → (table and key of the templates).
_INDIRECT = {
    "drug": {"medications": ("drug", "item"), "course": ("drug", "any")},
    "finding": {"results": ("finding", "results"), "course": ("finding", "course"), "present": ("finding", "present")},
}
_LATE_INDIRECT = ("course",)
_ALSO_INDIRECT = 0.12  # a label told directly has indirect evidence too
_SECOND_INDIRECT = 0.4
_TRIES = 12
_LATE_LABEL = 0.5  # of the labels of a late note
# What is denied is named plainly, by one of the first names and in few words: nobody denies "rapid recurrent Afib".
_PLAIN = 3
_SHORT = 4
_OPENING = 4  # conditions in the first sentence, with a comma between them
_AND = ", "

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Mention:
    """A sentence to be written: the template with the expression in it."""

    label: Label
    expression: Expression
    template: Template


@dataclass(slots=True)
class Told:
    """place → mentions, for what is true (early and late) and for what is denied. opening: in the first sentence."""

    early: dict[str, list[Mention]] = field(default_factory=dict)
    late: dict[str, list[Mention]] = field(default_factory=dict)
    denied: dict[str, list[Mention]] = field(default_factory=dict)
    opening: tuple[Template, tuple[Mention, ...]] | None = None
    late_codes: frozenset[Code] = frozenset()


class Teller:
    def __init__(self, config: Config, reader: Reader) -> None:
        self._config = config
        self._reader = reader

    def tell(self, admission: Admission) -> Told:
        rng, gold = admission.rng, frozenset(admission.codes)
        told = Told()
        late = self._late(admission)
        told.late_codes = frozenset(code for label in late for code in label.codes)
        opening: list[Mention] = []
        for label in admission.labels:
            is_late = label in late
            # What is told late must not be guessed from what another label's wording contains.
            allowed = gold if is_late else gold - told.late_codes
            for place, mention in self._mentions(label, allowed, is_late, admission):
                if place == "opening":
                    opening.append(mention)
                else:
                    (told.late if is_late else told.early).setdefault(place, []).append(mention)
        told.opening = self._opening(opening[:_OPENING], gold - told.late_codes, admission)
        for label in admission.others:
            found = self._denial(label, gold, rng)
            if found:
                told.denied.setdefault(found[0], []).append(found[1])
        return told

    def _late(self, admission: Admission) -> set[Label]:
        """Labels of a late note that are told late; labels that share a code are so together."""
        rng, config = admission.rng, self._config
        if rng.random() >= config.late_share:
            return set()
        late = {label for label in admission.labels if rng.random() < _LATE_LABEL}
        late = late or {admission.labels[int(rng.random() * len(admission.labels))]}
        while True:
            codes = {code for label in late for code in label.codes}
            more = {label for label in admission.labels if label not in late and not codes.isdisjoint(label.codes)}
            if not more:
                return late
            late |= more

    def _mentions(
        self, label: Label, allowed: frozenset[Code], late: bool, admission: Admission
    ) -> Iterator[tuple[str, Mention]]:
        rng, config, test = admission.rng, self._config, admission.split == "test"
        unseen = rng.random() < config.held_out_share and test
        indirect = rng.random() < config.indirect_share and len(label.known.indirect) > 0
        pools = label.held_out if unseen and _has(label.held_out, indirect) else label.known
        places = (_LATE_PLACES if late else _PLACES)[label.nature]
        some = False
        if indirect:
            for _ in range(1 + (rng.random() < _SECOND_INDIRECT)):
                found = self._indirectly(label, pools.indirect, allowed, late, test, rng)
                if found:
                    some = True
                    yield found
        else:
            for place, share in places:
                if rng.random() < share:
                    mention = self._directly(label, pools, place, allowed, test, rng)
                    if mention:
                        some = some or place != "opening"
                        yield place, mention
        if not some:
            yield places[0][0], self._certainly(label, pools, places[0][0], allowed, test)
        elif pools is label.known and not indirect and rng.random() < _ALSO_INDIRECT:
            found = self._indirectly(label, pools.indirect, allowed, late, test, rng)
            if found:
                yield found

    def _directly(
        self, label: Label, pools: Pools, place: str, allowed: frozenset[Code], test: bool, rng: random.Random
    ) -> Mention | None:
        for _ in range(_TRIES):
            short = rng.random() < self._config.abbreviation_share
            pool = pools.abbreviations if (short and len(pools.abbreviations)) or not len(pools.names) else pools.names
            expression = _draw(pool, rng)
            fitting = templates().get((place, expression.shape))
            if fitting is None:  # the place wants a noun phrase
                continue
            template = fitting[int(rng.random() * len(fitting))]
            if self._says(template, expression, allowed, test):
                return Mention(label, expression, template)
        return None

    def _indirectly(
        self, label: Label, pool: Pool, allowed: frozenset[Code], late: bool, test: bool, rng: random.Random
    ) -> tuple[str, Mention] | None:
        for _ in range(_TRIES if len(pool) else 0):
            expression = _draw(pool, rng)
            places = _INDIRECT[expression.shape]
            some = tuple(places)[: 2 if label.nature == "procedure" else None]  # nothing is done before arrival
            place = _choice(_LATE_INDIRECT if late else some, rng)
            template = _choice(templates()[places[place]], rng)
            if self._says(template, expression, allowed, test):
                return place, Mention(label, expression, template)
        return None

    def _certainly(self, label: Label, pools: Pools, place: str, allowed: frozenset[Code], test: bool) -> Mention:
        """The first wording that says what it should; the laboratory has seen to it that there is one."""
        for some in (pools, label.known):
            for expression in some.names.expressions + some.abbreviations.expressions:
                for template in templates().get((place, expression.shape), ()):
                    if self._says(template, expression, allowed, test):
                        return Mention(label, expression, template)
        raise AssertionError(f"{label.name} has no wording that tells it alone")

    def _says(self, template: Template, expression: Expression, allowed: frozenset[Code], test: bool) -> bool:
        saying = self._reader.sentence(template, expression)
        return saying.codes <= allowed and (test or not saying.held_out)

    def _opening(
        self, mentions: Sequence[Mention], allowed: frozenset[Code], admission: Admission
    ) -> tuple[Template, tuple[Mention, ...]] | None:
        """The mentions in the first sentence, fewer where side by side they would say something else."""
        rng, kept = admission.rng, tuple(mentions)
        while kept:
            template = _choice(templates()["opening", "any"], rng)
            before, _, after = template.before.partition("{list}")
            parts = [part for mention in kept for part in (_AND, mention.expression.text)]
            saying = self._reader.joined((before, *parts[1:], after))
            if saying.codes <= allowed and (admission.split == "test" or not saying.held_out):
                return template, kept
            kept = kept[:-1]
        return None

    def _denial(self, label: Label, gold: frozenset[Code], rng: random.Random) -> tuple[str, Mention] | None:
        if label.nature == "procedure":
            table, place, key = "not_done", "course", "course"
        elif label.familial and rng.random() < 0.35:
            table, place, key = "family", "family", "family"
        elif rng.random() < (0.4 if label.nature == "acute" else 0.15):
            table, place, key = "ruled_out", "course", "course"
        elif label.nature == "acute":
            place = key = _choice(("present", "results", "course"), rng)
            table = "negated"
        else:
            table, place, key = "never", "present", "present"
        for _ in range(_TRIES):
            short = table != "family" and rng.random() < self._config.abbreviation_share
            pool = label.known.abbreviations if short else label.known.names
            if not len(pool):
                continue
            expression = pool.expressions[int(rng.random() * min(_PLAIN, len(pool)))]
            if expression.shape != "noun" or len(expression.text.split()) > _SHORT:
                continue
            template = _choice(templates()[table, key], rng)
            saying = self._reader.sentence(template, expression)
            if not saying.held_out and saying.codes.isdisjoint(gold):
                return place, Mention(label, expression, template)
        return None


def _has(pools: Pools, indirect: bool) -> bool:
    return bool(len(pools.indirect) if indirect else len(pools.names) + len(pools.abbreviations))


def _draw(pool: Pool, rng: random.Random) -> Expression:
    cumulative = pool.cumulative
    return pool.expressions[bisect(cumulative, rng.random() * cumulative[-1], hi=len(cumulative) - 1)]


def _choice(items: Sequence[T], rng: random.Random) -> T:
    return items[int(rng.random() * len(items))]
