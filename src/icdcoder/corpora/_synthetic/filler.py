"""The rest of a note: sentences that hold no code (`filler.toml`), normal laboratory values, dates, names, typos."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from icdcoder.corpora._synthetic.admissions import Admission
from icdcoder.corpora._synthetic.labels import Label
from icdcoder.corpora._synthetic.laboratory import Laboratory
from icdcoder.corpora._synthetic.patients import has_prefix

T = TypeVar("T")

_MINUTES = ("00", "15", "30", "45")
_NUMBERS = ("Two", "Three", "Four")
_PRONOUNS = {
    "M": {"he": "he", "him": "him", "his": "his", "man": "man", "S": "M", "title": "Mr."},
    "F": {"he": "she", "him": "her", "his": "her", "man": "woman", "S": "F", "title": "Ms."},
}


@cache
def tables() -> Mapping[str, Any]:
    return tomllib.loads((files("icdcoder.corpora._synthetic") / "filler.toml").read_text(encoding="utf-8"))


def lists() -> dict[str, list[str]]:
    """name → sentences."""
    return {
        name: list(texts) for name, texts in tables().items() if isinstance(texts, list) and isinstance(texts[0], str)
    }


@dataclass(frozen=True, slots=True)
class Sentence:
    """text may hold slots; against: bit r is set where rule r of the contradictions names one of its words."""

    text: str
    against: int


class Slots(dict[str, str]):
    """What fills the slots of one note: pronouns, names and dates of one stay; some change with each use."""

    def __init__(self, admission: Admission, lists: Mapping[str, Sequence[Sentence]]) -> None:
        rng = admission.rng
        words = _PRONOUNS[admission.sex]
        relatives = [r.text.partition(":") for r in lists["relatives"]]
        super().__init__(
            words,
            He=words["he"].capitalize(),
            His=words["his"].capitalize(),
            age=str(admission.age),
            relative=_choice([name for name, _, of in relatives if of in ("", admission.sex)], rng),
            Name=f"{words['title']} [**Name-{1000 + int(rng.random() * 9000)}**]",
        )
        self._rng = rng
        self._lists = lists
        self._day = 1
        self._problem = 0
        self.admitted = date(2100 + int(rng.random() * 90), 1, 1) + timedelta(days=int(rng.random() * 365))
        self.stay = 2 + int(rng.random() * 12)
        self.born = self.admitted - timedelta(days=admission.age * 365 + int(rng.random() * 300))

    @property
    def discharged(self) -> date:
        return self.admitted + timedelta(days=self.stay)

    def about(self, theme: str | None) -> None:
        """From here on the team is the one for this body system; None: any team."""
        if theme is None:
            self.pop("team", None)
        else:
            self["team"] = tables()["team_of"].get(theme, "Medicine")

    def __missing__(self, slot: str) -> str:
        rng = self._rng
        match slot:
            case "n":
                return str(2 + int(rng.random() * 8))
            case "doctor":
                return f"Dr. [**Name-{1000 + int(rng.random() * 9000)}**]"
            case "date":
                return mark(self.admitted + timedelta(days=int(rng.random() * self.stay)))
            case "before":
                return mark(self.admitted - timedelta(days=20 + int(rng.random() * 200)))
            case "later":
                return mark(self.discharged + timedelta(days=5 + int(rng.random() * 40)))
            case "year":
                return str(self.admitted.year - 1 - int(rng.random() * 12))
            case "time":
                hour = 8 + int(rng.random() * 9)
                return f"{(hour - 1) % 12 + 1}:{_choice(_MINUTES, rng)} {'AM' if hour < 12 else 'PM'}"
            case "team":
                return _choice(self._lists["teams"], rng).text
            case "unit":
                return _choice(self._lists["units"], rng).text
            case "day":
                self._day = min(self._day + 1, max(2, self.stay))
                return str(self._day)
            case "k":
                self._problem += 1
                return str(self._problem)
            case "N":
                return _choice(_NUMBERS, rng)
            case "temp":
                return f"{97.4 + rng.random() * 1.4:.1f}"
            case "hr":
                return str(64 + int(rng.random() * 24))
            case "bp":
                return f"{112 + int(rng.random() * 24)}/{64 + int(rng.random() * 18)}"
            case "sat":
                return str(96 + int(rng.random() * 4))
            case "weight":
                return f"{54 + rng.random() * 44:.1f}"
        raise KeyError(slot)


class Filler:
    """The filler that suits a label space: a sentence in which one of its expressions occurs is left out."""

    def __init__(self, laboratory: Laboratory, typo_rate: float) -> None:
        self._typo_rate = typo_rate
        self._rules = [(re.compile(_any_word(r["words"])), tuple(r["codes"])) for r in tables()["contradictions"]]

        def suitable(texts: list[str]) -> tuple[Sentence, ...]:
            return tuple(Sentence(text, self._against(text)) for text in texts if not laboratory.phrases.find(text))

        self.lists = {name: suitable(texts) for name, texts in lists().items()}
        self._systems = [suitable(lines) for lines in tables()["exam"]]
        self.labs = [
            [(name, low, high, digits, self._against(name)) for name, low, high, digits in panel["analytes"]
             if not laboratory.phrases.find(name)]
            for panel in tables()["labs"]
        ]  # fmt: skip
        self._label_rules = {
            label: sum(1 << number for number, (_, codes) in enumerate(self._rules) if has_prefix(label.codes, codes))
            for label in laboratory.labels
        }
        self._fitting: dict[tuple[str, int], list[Sentence]] = {}
        self._telling_words = {word for e in laboratory.expressions for word in re.findall(r"\w+", e.text.lower())}

    def _against(self, text: str) -> int:
        return sum(1 << number for number, (words, _) in enumerate(self._rules) if words.search(text))

    def rules(self, labels: Sequence[Label]) -> int:
        """The rules that these labels bring into force."""
        active = 0
        for label in labels:
            active |= self._label_rules[label]
        return active

    def sentences(self, name: str, number: int, active: int, slots: Slots, rng: random.Random) -> list[str]:
        """`number` sentences of a list; none comes twice before all have come once."""
        fitting = self._fitting.get((name, active))
        if fitting is None:
            fitting = [sentence for sentence in self.lists[name] if not sentence.against & active]
            self._fitting[name, active] = fitting
        found: list[str] = []
        while fitting and len(found) < number:
            for sentence in rng.sample(fitting, min(len(fitting), number - len(found))):
                found.append(self._typed(sentence.text.format_map(slots), rng))
        return found

    def examination(self, number: int, active: int, rng: random.Random) -> list[str]:
        """One line for each of `number` systems of the body, from head to foot."""
        systems = [lines for system in self._systems if (lines := [x for x in system if not x.against & active])]
        kept = sorted(rng.sample(range(len(systems)), min(number, len(systems))))
        return [self._typed(_choice(systems[place], rng).text, rng) for place in kept]

    def panel(self, number: int, active: int, when: str, rng: random.Random) -> str:
        """One line of laboratory values in the reference range, or "" where none would be true."""
        values = [
            f"{name}-{low + rng.random() * (high - low):.{digits}f}"
            for name, low, high, digits, against in self.labs[number]
            if not against & active and rng.random() < 0.75
        ]
        return f"{when} BLOOD {' '.join(values)}\n" if values else ""

    def _typed(self, text: str, rng: random.Random) -> str:
        """With a typing error now and then: two neighbouring letters of a word change places."""
        if rng.random() >= self._typo_rate * (text.count(" ") + 1):
            return text
        words = list(re.finditer(r"\b[a-z]{5,}\b", text))
        if not words:
            return text
        word = _choice(words, rng)
        at = word.start() + 1 + int(rng.random() * (len(word.group()) - 2))
        typed = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        # The error must not make a word that tells something.
        return text if typed[word.start() : word.end()] in self._telling_words else typed


def mark(day: date) -> str:
    """A date as de-identified notes show it."""
    return f"[**{day.year}-{day.month}-{day.day}**]"


def _any_word(words: Sequence[str]) -> str:
    return r"(?<![A-Za-z])(?:" + "|".join(map(re.escape, words)) + ")"


def _choice(items: Sequence[T], rng: random.Random) -> T:
    return items[int(rng.random() * len(items))]
