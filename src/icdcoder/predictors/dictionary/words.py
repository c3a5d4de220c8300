"""Words as the dictionary compares them: normal forms, families joined, sides and connecting words taken out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from icdcoder.text.normal_form import FILLER, WORD, NormalWords, normal_form, normal_words
from icdcoder.text.word_variants import joined

# Sides are told by the words around a mention, so a term is filed without them.
SIDES = {"right": 1, "left": 2, "bilateral": 3, "both": 3, "bilaterally": 3}
# Of one side, in spite of the word: the radius and the ulna.
_BOTH_BONES = re.compile(r"both[ -]bones?\b", re.IGNORECASE)
# How they are written too. A letter is a side where _LETTERED says so.
_WRITTEN = SIDES | {"rt": 1, "lt": 2, "bilat": 3, "r": 1, "l": 2, "od": 1, "os": 2, "ou": 3, "re": 1, "le": 2}
_LETTERS = frozenset(("R", "L", "RT", "LT"))
# Of eyes: OD, OS, OU (both), RE, LE; elsewhere an overdose, overall survival, a lower extremity.
_OF_EYES = frozenset(("OD", "OS", "OU", "RE", "LE"))
_EXTREMITY = re.compile(
    r" (?:\w+ )?(?:o?edema|swelling|weakness|strength|pain|DVT|ulcer|cellulitis|duplex|doppler|US|wound|motor|pulse)",
    re.IGNORECASE,
)
_EYES = re.compile(
    r"eye|ocul|ophth|vision|visual|retin|catar|glauc|macul|corne|IOP|conjunc|vitre|lens|uve|\bVA\b|20/\d\d",
    re.IGNORECASE,
)
# "R shoulder pain", "L-sided", "otitis media, R"; but not "3 L nasal cannula", "R wave", "L spine", "Dr. R", "PP/LT".
_LETTERED = re.compile(
    r"(?<![\w/'.>-])(?:(?<!\d )|(?<=[Ss]tage \d )|(?<=[Gg]rade \d ))(?<!Dr )(?<!Dr\. )(?:RT?|LT?)"
    r"(?:(?=\)? \d(?:st|nd|rd|th) |\)? (?!wave|spine|axis|PCR)[A-Za-z]{2}|-?sided|\. [a-z]{2})|"
    r"(?<=[A-Za-z),] .)(?=[.,;)]|\s*$|\s*\n))"
)
# A cause, and no kind of the condition: a "pneumothorax secondary to ..." is no secondary pneumothorax.
_CAUSED = re.compile(r"secondary to\b", re.IGNORECASE)
_TOLD_BY_WHAT_FOLLOWS = {"both": _BOTH_BONES, "secondary": _CAUSED}
_SHORT = 80
_NO_LETTERS = bytes(i for i in range(128) if not chr(i).isalpha())
_NO_CAPITALS = bytes(i for i in range(128) if not chr(i).isupper())
_BEGINNING = frozenset(("with", "without", "and"))
# A British sign for a fracture: "Colles' #", "# left NOF"; but not "tooth #30", "tooth #T", "day # 2", "#1".
_FRACTURE = re.compile(
    r"(?<=[A-Za-z'] )(?<!tooth )(?<!teeth )#(?=\s*(?:[.,;:)\n]|$|[a-z(]))|"
    r"#(?= ?(?:(?:left|right|[LR]|distal|proximal|mid|neck|shaft|of|base|"
    r"closed|open|displaced|undisplaced)\b|NOF|ribs?\b|hip|femur|tibi|fibul|radius|ulna|humer|clavic|ankle|wrist|pelvi|"
    r"pubic|skull|nasal|nose|orbit|mandib|zygom|scaph|metac|metat|verteb|sacr|patell|calcan|elbow|should|finger|thumb|toe))",
    re.IGNORECASE,
)
_FRACTURED = normal_form("fracture")
# Words that only connect the parts of a term: "ulcer with hemorrhage", "ulcer, hemorrhage"; "pain in the chest".
CONNECTING = frozenset(
    "with due by in from on at for as into is was were are be been being caused that which this there has had".split()
)
_TAKEN_OUT = CONNECTING | _WRITTEN.keys() | _TOLD_BY_WHAT_FOLLOWS.keys()
"""Words that may not be filed."""


@dataclass(frozen=True, slots=True)
class TermWords:
    """words: with offsets, "" where no term may cross. sides: {position among them: side that stands before it}.

    spelled: whether one of the sides is told by a word, not by a letter alone. beginning: positions whose side is that
    of what begins there, and not of what ends before ("cancer with left ...")."""

    words: NormalWords
    sides: dict[int, int]
    spelled: bool = True
    beginning: frozenset[int] = frozenset()

    @property
    def only_side(self) -> int:
        """The side of which alone a text speaks, right or left; 0 where it names none, or several."""
        named = set(self.sides.values())
        return named.pop() if self.spelled and len(named) == 1 and not named & {SIDES["both"]} else 0

    def side(self, first: int, last: int) -> int:
        """The side named inside a match, just before it, or just after it; 0 for none."""
        if not self.sides:
            return 0
        for position in range(first, last + 2):
            if position in self.sides and not (position > last and position in self.beginning):
                return self.sides[position]
        # One word may stand between ("left lower lung nodule", "neuroma of the feet bilaterally"), but no break.
        if first and self.words.words[first - 1] and (side := self.sides.get(first - 1, 0)):
            return side
        behind = self.words.words[last + 1 : last + 3]
        ends = len(behind) == 1 or (len(behind) == 2 and not behind[1])
        return SIDES["both"] if ends and behind[0] and self.sides.get(last + 2) == SIDES["both"] else 0

    def side_inside(self, first: int, last: int) -> int:
        """The side named between the words of a match, which is one of what they name and not of the whole: "bilateral
        emboli with right heart strain"; 0 for none."""
        return next((self.sides[at] for at in range(first + 1, last + 1) if at in self.sides), 0)


def term_words(text: str, read_as: Callable[[str], str] = joined) -> TermWords:
    """The words of a note or of a term. read_as: what a normal word is filed as; a dictionary corrects it too.

    A connecting word in capitals is an abbreviation ("Hb AS") and stays, unless all is in capitals.
    """
    note = _with_fractures(text, normal_words(text))
    capitals = not mostly_capitals(text)
    offsets = note.offsets.tolist()
    kept: list[int] = []
    words: list[str] = []
    sides: dict[int, int] = {}
    spelled = False
    beginning: set[int] = set()
    for i, word in enumerate(note.words):
        if word not in _TAKEN_OUT:
            kept.append(i)
            words.append(word)
            continue
        if word in _TOLD_BY_WHAT_FOLLOWS and _TOLD_BY_WHAT_FOLLOWS[word].match(text, offsets[i][0]):
            continue
        if word in _WRITTEN and (word in SIDES or _is_side(text, *offsets[i])):
            sides[len(kept)] = _WRITTEN[word]
            spelled = spelled or len(word) > 1
            if i and note.words[i - 1] in _BEGINNING:
                beginning.add(len(kept))
        elif word not in CONNECTING or (capitals and text[slice(*offsets[i])].isupper()):
            kept.append(i)
            words.append(word)
    return TermWords(
        NormalWords(list(map(read_as, words)), note.offsets[np.array(kept, dtype=np.int64)]),
        sides,
        spelled,
        frozenset(beginning),
    )


def _with_fractures(text: str, note: NormalWords) -> NormalWords:
    """With a word for each sign that stands for a fracture."""
    signs = [match.start() for match in _FRACTURE.finditer(text)] if "#" in text else []
    if not signs:
        return note
    rows = [*zip(note.offsets.tolist(), note.words, strict=True), *(([at, at + 1], _FRACTURED) for at in signs)]
    rows.sort()
    offsets, words = zip(*rows, strict=True)
    return NormalWords(list(words), np.array(offsets, dtype=np.int64))


def _is_side(text: str, start: int, end: int) -> bool:
    """Whether an abbreviation that may be a side is one: a letter, or two in capitals, only beside a word."""
    written = text[start:end]
    if written.upper() in _OF_EYES:
        if not written.isupper() or (written.upper() == "LE" and _EXTREMITY.match(text, end)):
            return False
        return _EYES.search(text, max(0, start - 80), end + 30) is not None
    return _LETTERED.match(text, start) is not None if written in _LETTERS else len(written) > 1


def mostly_capitals(text: str) -> bool:
    """Whether it is written in capitals throughout, so that those of a word say nothing: all of a few words, most of
    a long text."""
    if len(text) < _SHORT:
        return text.isupper()
    head = text[:4000].encode("ascii", "ignore")
    letters, capitals = len(head.translate(None, _NO_LETTERS)), len(head.translate(None, _NO_CAPITALS))
    return letters > 0 and capitals > 0.6 * letters


def split_side(text: str) -> tuple[list[str], int]:
    """The words of a term as the index files them, without breaks and sides, and the side they name."""
    if _ARTICLE.search(text) or text.isupper() or _CAUSED.search(text) or _BOTH_BONES.search(text) or "\n" in text:
        # What such words are depends on those around them, and a number that begins a line counts the line.
        found = term_words(text)
        return [word for word in found.words.words if word], max(found.sides.values(), default=0)
    words: list[str] = []
    named = 0
    for word, side in map(_FILED.__getitem__, _WORD.findall(text)):
        if side:
            named = max(named, side)
        elif word:
            words.append(word)
    return words, named


class _FiledWords(dict[str, tuple[str, int]]):
    """Word as it is written → as it is filed ("" where it is not), and its side. Terms share their words."""

    def __missing__(self, word: str) -> tuple[str, int]:
        normal = normal_form(word)
        side = _WRITTEN.get(normal, 0) if len(normal) > 1 and word.upper() not in _OF_EYES else 0
        dropped = normal in FILLER or (normal in CONNECTING and not word.isupper())
        found = self[word] = ("" if side or dropped else joined(normal), side)
        return found


_FILED = _FiledWords()
_WORD = re.compile(WORD)
_ARTICLE = re.compile(r"(?<![^\W_])(?:[aA]|RT?|LT?)(?![^\W_])")
