"""The rules of the code set over what a coder accepts; each removal, replacement and advice names its rule and edition.

- *billable*: a code above the billable level is replaced by its unspecified descendant, where there is exactly one;
  so a missing seventh character becomes that of the initial encounter.
- *sex*, *age*: a code for other patients is removed, where the tables say for whom it is and the note says who it is.
- *without complications*: a code that says so is removed beside one for the same disease with a complication.
- *named condition*: "Anemia, unspecified" is removed beside a named anemia on the same words.
- *excludes1*: of two codes that are never given together, one is removed where both rest on the same words: a rest
  class that the other says already, that whose wording is a part of the other's ("DKA" in "DM1 with DKA"), else the
  less certain. Where they rest on different ones, which may speak of unrelated conditions (Official Guidelines,
  section I.A.12.a), a person is asked. The note may stand at either code, or at a category, block or chapter above it.
- *code first*, *use additional code*: advice only. A code that has to stand behind its cause is named where no code
  accepted is such a cause; a further code is named where it is among the candidates.
- *date of service*: up to September 2018 codes that have been divided since become what stood for them then.
- *edition*: a code that the tables at hand do not hold is named, and so is a date of service of another fiscal year.

Removed codes stay in the list of candidates.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.core.prediction import CodePrediction, Prediction, RuleChange
from icdcoder.decide._constraints.billable import unspecified_leaf
from icdcoder.decide._constraints.demographics import age_edit, sex_edit
from icdcoder.decide._constraints.excludes import excluded, excluding
from icdcoder.decide._constraints.less_specific import complicated, named
from icdcoder.decide._constraints.patient import Patient, stated
from icdcoder.decide._constraints.references import Reference, names, referred
from icdcoder.decide._constraints.service import FIRST, fiscal_year, stated_date
from icdcoder.knowledge.divided_codes import is_older, undivided, was_whole
from icdcoder.knowledge.said_by_another import said_by_others
from icdcoder.systems import CodeSystem

__all__ = ["Patient", "apply", "stated", "stated_date"]

# A candidate that a rule names is worth a look from this score on.
_WORTH_A_LOOK = 0.2
# "Code first" holds always where its note speaks of what underlies the code; elsewhere it holds if it applies.
_UNDERLYING = "underlying"
# The first days that the codes of these editions, the oldest that are told apart here, were no longer given.
_ENDED = {"2017": date(2017, 10, 1), "2018": date(2018, 10, 1)}


def apply(prediction: Prediction, *, patient: Patient | None = None, served: date | None = None) -> Prediction:
    """The prediction after the rules. patient: what is known of age and sex; served: the date of service.

    Codes of systems without tables here are left as they are. The same prediction comes back where no rule changes it.
    """
    run = _Run(prediction, patient or Patient())
    for rule in (run.edition, run.billable, run.demographics, run.less_specific, run.excludes, run.sequence):
        rule()
    if served is not None:
        run.date_of_service(served)
    edition = run.as_of or prediction.edition
    if not run.changes and not run.warnings:
        return prediction
    codes = sorted(run.codes.values(), key=lambda c: -c.score)
    return replace(
        prediction,
        edition=edition,
        codes=tuple(codes),
        changes=(*prediction.changes, *run.changes),
        warnings=(*prediction.warnings, *run.warnings),
    )


@dataclass
class _Run:
    """The rules at work on one prediction."""

    prediction: Prediction
    patient: Patient
    as_of: str | None = None
    changes: list[RuleChange] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @cached_property
    def codes(self) -> dict[Code, CodePrediction]:
        return {c.code: c for c in self.prediction.codes}

    @property
    def accepted(self) -> list[Code]:
        """Those that the tables hold, best first."""
        return [c.code for c in self.codes.values() if c.accepted and c.code in _system(c.code)]

    @property
    def _year(self) -> str:
        return self.prediction.edition.partition("-")[0]

    def edition(self) -> None:
        for one in self.prediction.accepted:
            system = _system(one.code)
            if one.code not in system and not is_older(one.code.system, self._year):
                self._note(one.code, "advised", "edition", f"{system.title} {system.edition} has no such code.")

    def billable(self) -> None:
        for code in self.accepted:
            system = _system(code)
            if system.is_billable(code) or self._was_billable(code):
                continue
            leaf = unspecified_leaf(system, code)
            seventh = bool(system.seventh_characters(code)) and leaf is not None and len(leaf.value) == 8
            rule = "seventh character" if seventh else "billable"
            if leaf is None:
                self._note(code, "advised", rule, "It is not billable, and no one code below it says just this.")
                continue
            old, known = self.codes[code], self.codes.get(leaf)
            score = max(old.score, known.score if known else 0.0)
            evidence = known.evidence if known and known.evidence else old.evidence
            self.codes[code] = replace(old, accepted=False)
            self.codes[leaf] = CodePrediction(leaf, system.description(leaf), score, True, evidence)
            self._note(code, "replaced", rule, "It is not billable; the code below it that says no more is.", leaf)

    def _was_billable(self, code: Code) -> bool:
        """In the older edition in which the coder was asked to answer."""
        short = self.prediction.edition.endswith("-short") and bool(_system(code).seventh_characters(code))
        return short or was_whole(code, self._year)

    def demographics(self) -> None:
        for code in self.accepted:
            system = _system(code)
            wrong = sex_edit(system, code, self.patient)
            if wrong:
                self._remove(code, "sex", wrong)
                continue
            odd = age_edit(system, code, self.patient)
            if odd and odd[1]:
                self._remove(code, "age", odd[0])
            elif odd:
                self._note(code, "advised", "age", odd[0])

    def less_specific(self) -> None:
        for code, other in complicated(self.accepted).items():
            self._remove(code, "without complications", f"{other.value} says that there is one.", other)
        for code, other in named(self.accepted).items():
            if self._of_the_same_words(code, other):
                self._remove(code, "named condition", f"{other.value} says more exactly what is meant.", other)

    def excludes(self) -> None:
        accepted = self.accepted
        against = excluding(accepted)
        kept: set[Code] = set()
        for code in sorted(accepted, key=lambda c: -self.codes[c].score) if against else ():
            rivals = [other for other in against.get(code, ()) if other in kept]
            kept.add(code)
            for other in rivals:
                if self._of_the_same_words(code, other):
                    stays, goes = (code, other) if self._says_more(code, other) else (other, code)
                    kept.discard(goes)
                    self._remove(goes, "excludes1", excluded(goes, stays), stays)
                    if goes == code:
                        break
            apart = next((other for other in rivals if other in kept), None)
            if code in kept and apart is not None:
                reason = f"{excluded(code, apart)[:-1]}, unless they are unrelated."
                self._note(code, "advised", "excludes1", reason, apart)

    def _of_the_same_words(self, code: Code, other: Code) -> bool:
        """Whether one place of the note is the evidence of both, or one of them has none."""
        return self._overlap(code, other) or not self.codes[code].evidence or not self.codes[other].evidence

    def _overlap(self, code: Code, other: Code) -> bool:
        ours, theirs = self.codes[code].evidence, self.codes[other].evidence
        return any(a.start < b.end and b.start < a.end for a in ours for b in theirs)

    def _says_more(self, code: Code, other: Code) -> bool:
        said = said_by_others((code, other))
        return other in said if said else self._reads_more(code, other)

    def _reads_more(self, code: Code, other: Code) -> bool:
        """Whether a wording of `other` is but a part of one of `code`, and none the other way round."""
        ours, theirs = self.codes[code].evidence, self.codes[other].evidence
        pairs = [(a, b) for a in ours for b in theirs if (a.start, a.end) != (b.start, b.end)]
        holds = any(a.start <= b.start and b.end <= a.end for a, b in pairs)
        return holds and not any(b.start <= a.start and a.end <= b.end for a, b in pairs)

    def sequence(self) -> None:
        accepted = self.accepted
        advised = {change.code for change in self.changes if change.action == "removed"}
        likely = [code for code, one in self.codes.items() if not one.accepted and one.score >= _WORTH_A_LOOK]
        for code in accepted:
            cause = _cause(code)
            if cause and not any(names(cause.references, c.value) for c in accepted):
                self._note(code, "advised", "code first", f"Its cause is to be coded first: {_plain(cause.note)}.")
            for other in likely if (additional := _additional(code)) else ():
                # Once is enough, and what another rule took away, or a neighbour says already, is not asked for.
                if other in advised or other.system != code.system or not names(additional, other.value):
                    continue
                named = (c for c in accepted if c.value[:3] == other.value[:3] and names(additional, c.value))
                if any(self._overlap(c, other) for c in named):
                    continue
                advised.add(other)
                reason = f"{other.value} is to be coded too if it holds."
                self._note(code, "advised", "use additional code", reason, other)

    def date_of_service(self, served: date) -> None:
        """Up to fiscal year 2018 codes become what they were; between then and now only a warning helps."""
        year = str(fiscal_year(served))
        for name in sorted({code.system for code in self.codes}):
            edition = systems.load(name).edition
            older = next((then for then, ended in _ENDED.items() if FIRST <= served < ended), None)
            if name == "icd10cm" and older is not None:
                self._as_in(older)
            elif edition != year:
                self.warnings.append(
                    f"The date of service lies in fiscal year {year}; the tables of {name} here are those of {edition}."
                )

    def _as_in(self, edition: str) -> None:
        self.as_of = edition
        for code in list(self.codes):
            older = undivided(code, edition)
            if older == code:
                continue
            new, known = self.codes.pop(code), self.codes.get(older)
            if known is None or (known.accepted, known.score) < (new.accepted, new.score):
                description = _system(code).description(older) if older in _system(code) else new.description
                self.codes[older] = replace(new, code=older, description=description)
            if new.accepted:
                reason = "The code has been divided since the date of service; this is what stood for it then."
                self._note(code, "replaced", "date of service", reason, older)

    def _remove(self, code: Code, rule: str, reason: str, other: Code | None = None) -> None:
        # What was advised of it before has no object any more.
        self.changes = [c for c in self.changes if c.action != "advised" or code not in (c.code, c.other)]
        self.codes[code] = replace(self.codes[code], accepted=False)
        self._note(code, "removed", rule, reason, other)

    def _note(
        self,
        code: Code,
        action: Literal["removed", "replaced", "advised"],
        rule: str,
        reason: str,
        other: Code | None = None,
    ) -> None:
        self.changes.append(RuleChange(code, action, rule, reason, _system(code).edition, other))


def _system(code: Code) -> CodeSystem:
    return systems.load(code.system)


# What the tabular list says at a code or above it is the same for every note.
@lru_cache(maxsize=20_000)
def _additional(code: Code) -> tuple[Reference, ...]:
    return referred(_system(code).use_additional(code, inherited=True))


class _Cause(NamedTuple):
    """What underlies a code: the first note that speaks of it, and the codes that any of them names."""

    note: str
    references: tuple[Reference, ...]


@lru_cache(maxsize=20_000)
def _cause(code: Code) -> _Cause | None:
    notes = [note for note in _system(code).code_first(code, inherited=True) if _UNDERLYING in note]
    return _Cause(notes[0], referred(notes)) if notes else None


def _plain(note: str) -> str:
    """A note that leads over to a list of codes, without what only the list would complete."""
    return note.removesuffix(":").removesuffix(" such as").rstrip(" ,")
