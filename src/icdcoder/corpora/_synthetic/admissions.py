"""Who is admitted with what: a long tail, conditions that come together, patients who come again."""

from __future__ import annotations

import math
import random
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, islice

from icdcoder.core.code import Code
from icdcoder.core.document import Split
from icdcoder.corpora._synthetic.config import Config
from icdcoder.corpora._synthetic.labels import Label
from icdcoder.corpora._synthetic.patients import AdmissionType, Sex, has_prefix, tables

_PULL = 1.6  # what a type's pull adds to the logarithm of a weight
_SPREAD = 0.5  # standard deviation of each label's own liking for each type
_NUMBER_SPREAD = 0.5  # of the logarithm of the number of codes
_COMES_BACK = 0.8  # a lasting condition is told at the next admission too
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class Admission:
    """One stay. labels: what is true of the patient, in the order drawn; others: what is not, and may be denied.
    rng: all further chance of this note."""

    patient: int
    stay: int
    split: Split
    sex: Sex
    age: int
    kind: AdmissionType
    labels: tuple[Label, ...]
    others: tuple[Label, ...]
    rng: random.Random

    @property
    def codes(self) -> tuple[Code, ...]:
        return tuple(dict.fromkeys(code for label in self.labels for code in label.codes))


def admissions(config: Config, labels: tuple[Label, ...]) -> Iterator[Admission]:
    """`config.documents` admissions, patient by patient. The first ones do not depend on how many follow."""
    return islice(_endless(config, labels), config.documents)


def _endless(config: Config, labels: tuple[Label, ...]) -> Iterator[Admission]:
    urn = _Urn(config, labels)
    again = 1 - 1 / config.admissions_per_patient
    start = random.Random(f"{config.seed}/split").random()
    patient = 0
    while True:
        rng = random.Random(f"{config.seed}/patient/{patient}")
        sex: Sex = "F" if rng.random() < 0.46 else "M"
        age = min(89, max(21, round(rng.gauss(66, 14))))
        # The multiples of the golden section fill [0, 1) evenly, so that small corpora have all splits too.
        split = _split((start + patient * _GOLDEN) % 1, config)
        kind = urn.kind(rng)
        labels_now: tuple[Label, ...] = ()
        stay = 0
        while stay == 0 or rng.random() < again:
            lasting = [x for x in labels_now if x.nature in ("chronic", "status") and rng.random() < _COMES_BACK]
            own = random.Random(f"{config.seed}/admission/{patient}/{stay}")
            labels_now = urn.draw(own, kind, sex, lasting)
            others = urn.others(own, kind, sex, labels_now)
            yield Admission(patient, stay, split, sex, min(89, age + stay), kind, labels_now, others, own)
            stay += 1
        patient += 1


def _split(place: float, config: Config) -> Split:
    if place < config.test:
        return "test"
    return "validation" if place < config.test + config.validation else "train"


class _Urn:
    """Draws the labels of a stay: weight = rank^-zipf × exp(cooccurrence × how well the label fits the type)."""

    def __init__(self, config: Config, labels: tuple[Label, ...]) -> None:
        self._config = config
        self._labels = labels
        self._types = tables().types
        self._type_shares = tuple(accumulate(kind.share for kind in self._types))
        self._cumulative = {
            (kind.name, sex): tuple(accumulate(self._weight(label, kind, sex) for label in labels))
            for kind in self._types
            for sex in ("F", "M")
        }

    def _weight(self, label: Label, kind: AdmissionType, sex: str) -> float:
        if label.sex not in (None, sex):
            return 0.0
        own = random.Random(f"{self._config.seed}/liking/{kind.name}/{label.name}").gauss(0, _SPREAD)
        fit = kind.themes.get(label.theme, 0.0) + _PULL * has_prefix(label.codes, kind.pull) + own
        return (1 + label.number) ** -self._config.zipf * math.exp(self._config.cooccurrence * fit)

    def kind(self, rng: random.Random) -> AdmissionType:
        return self._types[bisect(self._type_shares, rng.random() * self._type_shares[-1], hi=len(self._types) - 1)]

    def draw(self, rng: random.Random, kind: AdmissionType, sex: Sex, lasting: list[Label]) -> tuple[Label, ...]:
        cumulative = self._cumulative[kind.name, sex]
        total, last = cumulative[-1], len(cumulative) - 1
        mean = math.log(self._config.codes_per_note) - _NUMBER_SPREAD**2 / 2
        wanted = min(max(1, round(rng.lognormvariate(mean, _NUMBER_SPREAD))), len(self._labels))
        drawn = dict.fromkeys(lasting[:wanted])
        categories = {category for label in drawn for category in label.categories}
        for _ in range(20 * wanted):
            if len(drawn) >= wanted:
                break
            label = self._labels[bisect(cumulative, rng.random() * total, hi=last)]
            if label not in drawn and not label.categories & categories:
                drawn[label] = None
                categories |= label.categories
        return tuple(drawn)

    def others(self, rng: random.Random, kind: AdmissionType, sex: Sex, true: tuple[Label, ...]) -> tuple[Label, ...]:
        """Labels as likely as the true ones, for the note to deny; none is near to a true one."""
        cumulative = self._cumulative[kind.name, sex]
        total, last = cumulative[-1], len(cumulative) - 1
        wanted = _poisson(rng, self._config.distractors)
        categories = {category for label in true for category in label.categories}
        stems = {stem for label in true for stem in label.stems}
        found: dict[Label, None] = {}
        for _ in range(6 * wanted):
            if len(found) >= wanted:
                break
            label = self._labels[bisect(cumulative, rng.random() * total, hi=last)]
            if label.nature != "status" and not label.categories & categories and not label.stems & stems:
                found[label] = None
        return tuple(found)


def _poisson(rng: random.Random, mean: float) -> int:
    """Knuth's method: how many uniform numbers can be multiplied before the product falls below exp(-mean)."""
    limit, product, number = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        number += 1
    return number
