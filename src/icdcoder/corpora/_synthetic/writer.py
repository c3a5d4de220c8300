"""Writes the discharge summary: sections in their order, each mention where it belongs, filler around them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import TypeVar

from icdcoder.core.code import Code
from icdcoder.core.document import GoldEvidence
from icdcoder.corpora._synthetic.admissions import Admission
from icdcoder.corpora._synthetic.config import Config
from icdcoder.corpora._synthetic.filler import Filler, Slots, mark
from icdcoder.corpora._synthetic.page import Page, Span
from icdcoder.corpora._synthetic.telling import Mention, Teller, Told
from icdcoder.corpora._synthetic.templates import templates

# The least that any tokenisation into words counts: runs of non-blanks with a letter.
WORD = re.compile(r"\S*[^\W\d_]\S*")

_WORDS_WITHOUT_FILLER = 155
_WORDS_PER_MENTION = 7.3
_WORDS_PER_SENTENCE = 9.1
_LENGTH_SPREAD = 0.25  # of the logarithm
# How the filler is shared out among the sections, and the least sentences of each.
_SHARES = {
    "present": (0.17, 1),
    "exam": (0.12, 4),
    "results": (0.1, 0),
    "course": (0.2, 1),
    "daily": (0.27, 0),
    "instructions": (0.14, 2),
}
# Of a list's items; with the line break, a marker keeps two items from being read as one expression.
_MARKERS = ("{}. ", "{}. ", "{}) ", "- ", "* ")
_HEADINGS = ("# ", "# ", "{}) ", "* ", "#{} ")

T = TypeVar("T")
_Act = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Written:
    """One note. denied: the sentences that name a condition which the patient does not have; held_out: how many of
    the `mentions` are in words of the test part only; late: codes whose evidence all stands late."""

    text: str
    evidence: tuple[GoldEvidence, ...]
    denied: tuple[Span, ...]
    mentions: int
    held_out: int
    late: frozenset[Code]


class Writer:
    def __init__(self, config: Config, teller: Teller, filler: Filler) -> None:
        self._config = config
        self._teller = teller
        self._filler = filler

    def write(self, admission: Admission) -> Written:
        told = self._teller.tell(admission)
        draft = _Draft(self._config, self._filler, admission, told)
        draft.head()
        draft.history()
        draft.examination()
        draft.course()
        draft.discharge()
        page = draft.page
        held_out = sum(mention.expression.held_out for mention in page.mentions)
        evidence = tuple(sorted(page.evidence, key=lambda e: (e.start, e.end, e.code)))
        return Written(page.text, evidence, tuple(page.denied), len(page.mentions), held_out, told.late_codes)


class _Draft:
    """A note in the making; each method writes a few sections."""

    def __init__(self, config: Config, filler: Filler, admission: Admission, told: Told) -> None:
        self._config = config
        self._filler = filler
        self._admission = admission
        self._told = told
        self._rng = admission.rng
        self._slots = Slots(admission, filler.lists)
        self._active = filler.rules(admission.labels)
        self._marker = self._pick(_MARKERS)
        self._heading = self._pick(_HEADINGS)
        self.page = Page(self._slots)
        self._budget = self._shares()
        # Drugs stand in one or both of the lists of medications.
        drugs = [
            (partial(self.page.tell, mention), self._rng.random()) for mention in told.early.get("medications", ())
        ]
        self._at_home = [act for act, place in drugs if place < 0.5]
        self._new = [act for act, place in drugs if place > 0.3]

    def _shares(self) -> dict[str, int]:
        """Sentences of filler a section."""
        told, rng = self._told, self._rng
        mentions = sum(len(m) for places in (told.early, told.late, told.denied) for m in places.values())
        words = self._config.words * rng.lognormvariate(-(_LENGTH_SPREAD**2) / 2, _LENGTH_SPREAD)
        number = max(0.0, (words - _WORDS_WITHOUT_FILLER - _WORDS_PER_MENTION * mentions) / _WORDS_PER_SENTENCE)
        return {name: max(least, int(number * share + rng.random())) for name, (share, least) in _SHARES.items()}

    # Sections, in reading order.

    def head(self) -> None:
        slots, page = self._slots, self.page
        gap = " " * (4 + int(self._rng.random() * 12))
        page.write(f"Admission Date:  {mark(slots.admitted)}{gap}Discharge Date:  {mark(slots.discharged)}\n\n")
        page.write(f"Date of Birth:  {mark(slots.born)}{gap}Sex:  {self._admission.sex}\n\n")
        page.write(f"Service: {self._pick(self._admission.kind.services)}\n\n")
        page.write(f"Allergies:\n{self._one('allergies')}\n\n")
        page.write(f"Attending: {slots['doctor']}\n\n")
        page.write(f"Chief Complaint:\n{self._one('complaint')}\n\n")
        self._list("Major Surgical or Invasive Procedure", self._early("procedure_list"), empty=("None",))

    def history(self) -> None:
        page = self.page
        page.write("History of Present Illness:\n")
        self._opening()
        self._paragraph(self._some("present"), self._early("present"), self._denied("present"))
        self._list("Past Medical History", self._early("history"), empty=("See outpatient records.",))
        work = "work_old" if self._admission.age > 64 else "work_young"
        page.write("Social History:\n")
        self._paragraph([self._one("living"), self._one(work), self._one("social")], self._early("status"))
        page.write("Family History:\n")
        denied = self._denied("family")
        self._paragraph([] if denied else [self._one("family")], denied)
        if self._at_home or self._rng.random() < 0.4:
            self._list("Medications on Admission", self._at_home, self._some("medications", 1))

    def examination(self) -> None:
        slots, page = self._slots, self.page
        page.write(
            self._pick(("Physical Exam on Discharge:\n", "Discharge Exam:\n", "Physical Exam (at discharge):\n"))
        )
        page.write("Vitals: T {temp}, HR {hr}, BP {bp}, {sat}%\n".format_map(slots))
        for line in self._filler.examination(self._budget["exam"], self._active, self._rng):
            page.write(line + "\n")
        page.write("\n")
        page.write("Pertinent Results:\n")
        when = f"{mark(slots.discharged)} 0{5 + int(self._rng.random() * 3)}:{10 + int(self._rng.random() * 50)}AM"
        for number in range(len(self._filler.labs)):
            if self._rng.random() < 0.6:
                page.write(self._filler.panel(number, self._active, when, self._rng))
        self._paragraph(self._some("results"), self._early("results"), self._denied("results"), between="\n")

    def course(self) -> None:
        page, told = self.page, self._told
        page.write("Brief Hospital Course:\n")
        filler = self._some("course") + self._some("daily")
        self._paragraph(filler, self._early("course", "procedure"), self._denied("course"))
        self._problems(told.early.get("problem", ()))
        if told.late_codes:
            while (missing := self._config.late_after_tokens - len(WORD.findall(page.text))) > 0:
                self._paragraph(self._some("daily", min(8, 1 + missing // 10)))
            late = [partial(page.tell, m) for place in ("course", "procedure") for m in told.late.get(place, ())]
            self._paragraph(self._some("course", 1), late)
            self._problems(told.late.get("problem", ()))

    def discharge(self) -> None:
        page = self.page
        self._list("Discharge Medications", self._new, self._some("medications", 2))
        page.write(f"Discharge Disposition:\n{self._one('disposition')}\n\n")
        late = [partial(page.tell, mention) for mention in self._told.late.get("diagnosis", ())]
        self._list("Discharge Diagnosis", self._early("diagnosis") + late, empty=("As above.",))
        page.write(f"Discharge Condition:\n{self._one('condition')}\n\n")
        page.write("Discharge Instructions:\n")
        late = [partial(page.tell, mention) for mention in self._told.late.get("advice", ())]
        self._paragraph(self._some("instructions"), self._early("advice") + late)
        page.write(
            "Followup Instructions:\n" + "\n".join(self._some("followup", 1 + int(self._rng.random() * 2))) + "\n"
        )

    # What sections are made of.

    def _early(self, *places: str) -> list[_Act]:
        return [partial(self.page.tell, mention) for place in places for mention in self._told.early.get(place, ())]

    def _denied(self, place: str) -> list[_Act]:
        return [partial(self.page.deny, mention) for mention in self._told.denied.get(place, ())]

    def _opening(self) -> None:
        """The first sentence: who the patient is, with what in the past."""
        page, slots = self.page, self._slots
        if self._told.opening is None:
            page.write(self._pick(templates()["opening", "alone"]).before.format_map(slots) + " ")
            return
        template, mentions = self._told.opening
        before, _, after = template.before.partition("{list}")
        page.write(before.format_map(slots))
        for number, mention in enumerate(mentions):
            if number:
                page.write(", ")
            page.name(mention, mention.expression.text)
        page.write(after.format_map(slots) + " ")

    def _paragraph(self, filler: Sequence[str], *told: Sequence[_Act], between: str = " ") -> None:
        """Filler and mentions in mixed order; the filler keeps its own order, as days do."""
        write, number = self.page.write, len(filler)
        acts: list[tuple[float, _Act]] = [(at / max(1, number), partial(write, text)) for at, text in enumerate(filler)]
        acts += [(self._rng.random(), act) for some in told for act in some]
        for at, (_, act) in enumerate(sorted(acts, key=itemgetter(0))):
            write(between if at else "")
            act()
        write("\n\n")

    def _problems(self, mentions: Sequence[Mention]) -> None:
        """The course by problem: a heading, and what was done."""
        for number, mention in enumerate(mentions, start=1):
            self.page.write(self._heading.format(number))
            self.page.tell(mention)
            self._slots.about(mention.label.theme)
            self.page.write(" ".join(self._some("problem", 1 + int(self._rng.random() * 3))) + "\n")
            self._slots.about(None)
        if mentions:
            self.page.write("\n")

    def _list(self, title: str, acts: Sequence[_Act], filler: Sequence[str] = (), empty: Sequence[str] = ()) -> None:
        items: list[_Act] = [*acts, *(partial(self.page.write, line) for line in filler)]
        items = items or [partial(self.page.write, line) for line in empty]
        self._rng.shuffle(items)
        self.page.write(f"{title}:\n")
        for number, act in enumerate(items, start=1):
            self.page.write(self._marker.format(number))
            act()
            self.page.write("\n")
        self.page.write("\n")

    def _some(self, name: str, number: int | None = None) -> list[str]:
        wanted = self._budget[name] if number is None else number
        return self._filler.sentences(name, wanted, self._active, self._slots, self._rng)

    def _one(self, name: str) -> str:
        return next(iter(self._some(name, 1)), "")

    def _pick(self, items: Sequence[T]) -> T:
        return items[int(self._rng.random() * len(items))]
