"""Codes and quotes out of what a model says: JSON (whole, fenced, cut short), tags, lists; or prose, which is none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

# Brackets that open no JSON, after which no more is looked for.
MOST_FAILURES = 100
_REASONING = re.compile(r"^.*</(?:think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE)
_TAGGED = re.compile(r"<codes?>(.*?)(?:</codes?>|$)", re.DOTALL | re.IGNORECASE)
# How codes of all systems look; whether one exists is for the code system to say.
_CODE = r"[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?|\d{2,3}\.\d{1,2}|[EV]\d{2,3}(?:\.\d{1,2})?|\d{3,4}|[0-9A-HJ-NP-Z]{7}"
_LINE = re.compile(rf"^\s*(?:[-*•]+|\d{{1,2}}[.)])?\s*[\"'`*]*({_CODE})[\"'`*]*(?=$|[\s:,;–-])(.*)$")
_QUOTED = re.compile(r"[\"“”]([^\"“”]{2,})[\"“”]")
_SPLIT = re.compile(r"[,;\n]+")
_KEYS_OF_CODES = (
    "codes",
    "icd_codes",
    "icd10_codes",
    "icd9_codes",
    "diagnoses",
    "procedures",
    "results",
    "predictions",
)
_KEYS_OF_QUOTES = ("evidence", "quote", "quotes", "text", "span", "supporting_text", "justification")
_NONE = re.compile(r"^\W*(?:none|no codes?|\[\s*\]|\{\s*\}|n/a)\W*$", re.IGNORECASE)


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
    """What follows the last tag that closes a model's thoughts."""
    return _REASONING.sub("", answer).strip()


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
    listed = re.search(r"\[([\d\s,\"']*)\]", text)
    if listed is None and not re.fullmatch(r"(?:\W*\d+\b[^\n]*(?:\n|$))+", text):
        return () if _NONE.match(text) else None
    raw = re.findall(r"\d+", listed[1]) if listed else re.findall(r"^\W*(\d+)", text, re.MULTILINE)
    if listed is None and re.fullmatch(r"[\d\s,]+", text):
        raw = re.findall(r"\d+", text)
    return tuple(dict.fromkeys(int(number) for number in raw if len(number) < 6 and 1 <= int(number) <= most))


def _of_json(text: str) -> list[Claim] | None:
    """None where there is no JSON that holds codes. Objects before the place where an answer was cut are read."""
    found: list[Claim] = []
    seen = False
    decoder = json.JSONDecoder()
    at = failures = 0
    while failures < MOST_FAILURES and (start := _opening(text, at)) >= 0:
        try:
            value, at = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            at = start + 1  # a list that was cut short: look at what is inside
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
        if re.fullmatch(_CODE, value.strip().upper().rstrip(".")):
            yield Claim(value.strip())
    elif isinstance(value, list):
        for item in value:
            yield from _in_value(item)
    elif isinstance(value, dict):
        code = next((value[key] for key in ("code", "icd_code", "icd", "id") if isinstance(value.get(key), str)), None)
        if code is not None:
            yield Claim(code.strip(), _quotes(value))
        elif (listed := _codes_of(value)) is not None:
            yield from _in_value(listed)
        else:
            # {"I10": "the quote"}
            for key, quote in value.items():
                if re.fullmatch(_CODE, key.strip().upper()):
                    yield Claim(key.strip(), _quotes({"evidence": quote}))


def _codes_of(value: dict[str, Any]) -> Any:
    listed = [value[key] for key in _KEYS_OF_CODES if isinstance(value.get(key), (list, dict))]
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
    found = _TAGGED.search(text)
    if found is None:
        return None
    return [Claim(part.strip().rstrip(".")) for part in _SPLIT.split(found[1]) if part.strip()]


def _of_lines(text: str) -> list[Claim] | None:
    """A code at the beginning of each of some lines, or a list of nothing but codes."""
    parts = [part.strip().rstrip(".") for part in _SPLIT.split(text) if part.strip()]
    if parts and all(re.fullmatch(_CODE, part) for part in parts):
        return [Claim(part) for part in parts]
    found = [Claim(m[1], tuple(_QUOTED.findall(m[2]))) for line in text.splitlines() if (m := _LINE.match(line))]
    return found or None


def _merged(found: list[Claim]) -> tuple[Claim, ...]:
    quotes: dict[str, list[str]] = {}
    for claim in found:
        quotes.setdefault(claim.code, []).extend(claim.quotes)
    return tuple(Claim(code, tuple(dict.fromkeys(given))) for code, given in quotes.items())
