"""Codes and quotes out of what a model says: JSON (whole, fenced, cut short), tags, lists; or prose, which is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from icdcoder.text.prompting import lenient_json

# Brackets that open no JSON, after which no more is looked for.
MOST_FAILURES = 100
_REASONING = re.compile(r"^.*</(?:think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE)
_CUT_REASONING = re.compile(r"<(?:think|thinking|reasoning)>.*\Z", re.DOTALL | re.IGNORECASE)
_TAGGED = re.compile(r"<codes?>(.*?)(?:</codes?>|$)", re.DOTALL | re.IGNORECASE)
# How codes of all systems look; whether one exists is for the code system to say.
_DIAGNOSIS_OR_DOTTED = r"[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?|\d{2,3}\.\d{1,2}|[EV]\d{2,3}(?:\.\d{1,2})?"
_CODE = rf"{_DIAGNOSIS_OR_DOTTED}|\d{{3,4}}|(?=[A-Z]*\d|\w*ZZZ)[0-9A-HJ-NP-Z]{{7}}"
_LINE = re.compile(rf"^\s*(?:[-*•]+|\d{{1,2}}[.)])?\s*[\"'`*]*({_CODE})[\"'`*]*(?=$|[\s:,;–-])(.*)$")
_LEADING = re.compile(rf"({_CODE})(?=$|[\s:,;(–—-])")
# "Hypertension (I10)", where the code is no bare number, and no sentence goes on after it.
_BRACKETED = re.compile(
    rf"\(\s*({_DIAGNOSIS_OR_DOTTED})\s*\)"
    r"(?=\s*(?:$|[:;,.|\"“–—-]))([^()]*)"
)
SYSTEM = re.compile(r"\bICD[-\s]?(?:9|10)(?:[-\s]?(?:CM|PCS))?\b", re.IGNORECASE)
# "Codes:", "The codes are".
LABEL = re.compile(r"^[^\d:]*(?::|\b(?:codes?|are|is)\b)\s*(?=\W*\w*\d)", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“”]([^\"“”]{2,})[\"“”]")
_SPLIT = re.compile(r"[,;\n]+")
_JOINED = re.compile(r"[,;\s]+(?:(?:and|&)\s+)?")
# The same behind a title in brackets: "I10 (hypertension), E11.9".
_JOINED_BEHIND_TITLE = re.compile(rf"(?:\s*\([^()\n]*\))?{_JOINED.pattern}")
# The keys of a code or of codes, in small letters without marks: "icd10", "codes", "procedure_code" …
_KEY_OF_CODES = re.compile(r"(?=.)(?:icd(?:9|10)?(?:cm|pcs)?|diagnosis|procedure)?(?:codes?)?")
_KEYS_OF_LISTS = frozenset(("diagnoses", "procedures", "results", "predictions"))
_KEYS_OF_QUOTES = ("evidence", "quote", "quotes", "text", "span", "supporting_text", "justification")
_NONE = re.compile(r"^\W*(?:codes?:\s*)?(?:none|no codes?|\[\s*\]|\{\s*\}|n/a)\W*$", re.IGNORECASE)
# "2, 5 and 7", and the same at the end of a sentence that denies nothing.
_JOINED_NUMBERS = r"\d+(?:(?:\s*(?:,\s*and\b|[,;&]|\band\b)\s*|\s+)\d+)*"
_SENTENCE_OF_NUMBERS = re.compile(rf"([^\d\n]{{0,100}})({_JOINED_NUMBERS})\W*")
_LINE_OF_NUMBERS = re.compile(rf"\W*({_JOINED_NUMBERS})\b")
_DENIED = re.compile(r"\b(?:not?|none|neither|nor|except|without|cannot)\b|n['’]t\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Claim:
    """code: as the model wrote it. quotes: what it gave as evidence, which is not checked here."""

    code: str
    quotes: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Claims:
    """prose: 1 where the answer was neither codes nor a clear "none"."""

    claims: tuple[Claim, ...]
    prose: int = 0


def claims(answer: str) -> Claims:
    """Each code once, in the order of the answer; quotes of the same code are put together."""
    text = without_reasoning(answer)
    for way in (_of_json, _of_tags, _of_lines):
        found = way(text)
        if found is not None:
            return Claims(_merged(found))
    return Claims((), 0 if _NONE.match(text) else 1)


def without_reasoning(answer: str) -> str:
    """What follows the last tag that closes a model's thoughts; nothing of thoughts that were cut."""
    return _CUT_REASONING.sub("", _REASONING.sub("", answer)).strip()


def structured(text: str) -> list[str] | None:
    """The codes, as written, of an answer in JSON or tags; None where it is neither."""
    for way in (_of_json, _of_tags):
        found = way(text)
        if found is not None:
            return [claim.code for claim in found]
    return None


def numbers(answer: str, most: int) -> tuple[int, ...] | None:
    """Numbers from 1 to `most` that the answer lists; None where it is prose."""
    text = without_reasoning(answer)
    if _NONE.match(text):
        return ()
    if listed := re.search(r"\[([\d\s,\"']*)\]", text):
        return _within(re.findall(r"\d+", listed[1]), most)
    text = re.sub(r"\([^()\n]*\)|[*`]", "", text)
    if (sentence := _SENTENCE_OF_NUMBERS.fullmatch(text)) and not _DENIED.search(sentence[1]):
        return _within(re.findall(r"\d+", sentence[2]), most)
    lines = [_LINE_OF_NUMBERS.match(line) for line in text.splitlines() if line.strip()]
    if not lines or None in lines:
        return None
    return _within([number for line in lines if line for number in re.findall(r"\d+", line[1])], most)


def _within(found: list[str], most: int) -> tuple[int, ...]:
    return tuple(dict.fromkeys(int(number) for number in found if len(number) < 6 and 1 <= int(number) <= most))


def _of_json(text: str) -> list[Claim] | None:
    """None where there is no JSON that holds codes."""
    found: list[Claim] = []
    seen = False
    at = failures = 0
    while failures < MOST_FAILURES and (start := _opening(text, at)) >= 0:
        try:
            value, at = lenient_json.decode(text, start)
        except (ValueError, RecursionError):
            at = start + 1
            failures += 1
            continue
        listed = list(_in_value(value))
        seen = seen or bool(listed) or value in ([], {}) or (isinstance(value, dict) and _codes_of(value) == [])
        found += listed
    return found if seen else None


def _opening(text: str, at: int) -> int:
    found = [place for place in (text.find("{", at), text.find("[", at)) if place >= 0]
    return min(found, default=-1)


def _in_value(value: Any) -> Iterator[Claim]:
    if isinstance(value, str):
        yield from map(Claim, _codes_in(value))
    elif isinstance(value, list):
        for item in value:
            yield from _in_value(item)
    elif isinstance(value, dict):
        # An "id" may be the number of a row, so that it is the last to be a code.
        keys = [key for key in sorted(value, key=lambda key: key == "id") if _is_code_key(key) or key == "id"]
        code = next((value[key] for key in keys if isinstance(value[key], str)), None)
        if code is not None:
            quotes = _quotes(value)
            yield from (Claim(part, quotes) for part in _codes_in(code) or [code.strip()])
        elif (listed := _codes_of(value)) is not None:
            yield from _in_value(listed)
        else:
            # {"I10": "the quote"}
            for key, quote in value.items():
                if re.fullmatch(_CODE, key.strip().upper()):
                    yield Claim(key.strip(), _quotes({"evidence": quote}))


def _codes_in(text: str) -> list[str]:
    """The codes of "I10", "I10 - Essential hypertension" and "I10, E11.9"."""
    parts = (part.strip() for part in _SPLIT.split(text))
    return [part[: found.end()] for part in parts if (found := _LEADING.match(part.upper().rstrip(".")))]


def _is_code_key(key: str) -> bool:
    return _KEY_OF_CODES.fullmatch(re.sub(r"[\W_]", "", key.lower())) is not None


def _codes_of(value: dict[str, Any]) -> Any:
    listed = [
        held
        for key, held in value.items()
        if isinstance(held, (list, dict)) and (key in _KEYS_OF_LISTS or _is_code_key(key))
    ]
    return None if not listed else listed[0] if len(listed) == 1 else listed


def _quotes(value: dict[str, Any]) -> tuple[str, ...]:
    for key in _KEYS_OF_QUOTES:
        found = value.get(key)
        if isinstance(found, str):
            return (found,)
        if isinstance(found, list):
            return tuple(quote for quote in found if isinstance(quote, str))
    return ()


def _of_tags(text: str) -> list[Claim] | None:
    tagged = _TAGGED.findall(text)
    if not tagged:
        return None
    return [Claim(part.strip().rstrip(".")) for said in tagged for part in _SPLIT.split(said) if part.strip()]


def _of_lines(text: str) -> list[Claim] | None:
    """A code at the beginning of lines, in brackets at their end, or in a table; or a list of nothing but codes."""
    text = SYSTEM.sub("", text).strip()
    parts = [part for part in _JOINED.split(LABEL.sub("", text).rstrip(".")) if part]
    parts = [part.rstrip(".") for part in parts]
    if parts and all(re.fullmatch(_CODE, part) for part in parts):
        return [Claim(part) for part in parts]
    found: list[Claim] = []
    evidence: int | None = None
    for line in text.splitlines():
        cells = [cell.strip("\"'`* \t") for cell in line.strip().strip("|").split("|")]
        if len(cells) > 1:
            named = [i for i, cell in enumerate(cells) if cell.casefold() in _KEYS_OF_QUOTES]
            evidence = named[0] if named else evidence
            quotes = (cells[evidence],) if evidence is not None and evidence < len(cells) else _quoted(line)
            found += [Claim(cell, quotes) for cell in cells if re.fullmatch(_CODE, cell)][:1]
        elif begins := _LINE.match(bare := LABEL.sub("", line)):
            found += [Claim(code, _quoted(begins[2])) for code in (begins[1], *_further(bare, begins.end(1)))]
        else:
            found += [Claim(m[1], _quoted(m[2])) for m in _BRACKETED.finditer(line)]
    return found or None


def _further(line: str, at: int) -> Iterator[str]:
    """The codes of "I10, E11.9 (diabetes) and J18.9" after the first; a bare number there may be anything."""
    while (
        (joined := _JOINED_BEHIND_TITLE.match(line, at))
        and (code := _LEADING.match(line, joined.end()))
        and not code[1].isdigit()
    ):
        yield code[1]
        at = code.end()


def _quoted(text: str) -> tuple[str, ...]:
    return tuple(_QUOTED.findall(text))


def _merged(found: list[Claim]) -> tuple[Claim, ...]:
    quotes: dict[str, list[str]] = {}
    for claim in found:
        quotes.setdefault(claim.code, []).extend(claim.quotes)
    return tuple(Claim(code, tuple(dict.fromkeys(given))) for code, given in quotes.items())
