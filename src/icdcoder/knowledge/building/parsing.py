"""What a model's answer holds: lists under three headings, in the shapes that models give them; a description; or
a list of concepts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

HEADINGS = {"medical term": "term", "term": "term", "abbreviation": "abbreviation", "acronym": "abbreviation"}
HEADINGS |= {"synonym": "synonym", "other name": "synonym", "lay term": "synonym"}
MOST_WORDS = 10
MOST_CHARACTERS = 100
LONGEST_ABBREVIATION = 20
SHORTEST_DESCRIPTION = 40

_REASONING = re.compile(r"^.*</(?:think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE)
_HEADING = re.compile(r"^[\s#*_>\d.)-]*([A-Za-z][A-Za-z /&()]*?)[\s*_]*(?:\([^)]*\))?[\s*_]*(?::[\s*_]*(.*)|$)")
_BULLET = re.compile(r"^\s*(?:[-*•–+·]+|\(?\d{1,3}[.):])\s*")
_MARKS = re.compile(r"\*\*|__|`|^[\"'“”]+|[\"'“”,;.]+$")
_EXPLAINED = re.compile(r"\s+\([^)]*\)\s*$|\s+[-–—=:]\s+.*$|:\s.*$")
_NOTHING = frozenset("none n/a na null nothing - etc ... …".split())
_SENTENCE = re.compile(r"[.!?]\s+[A-Z]|\b(?:here are|i cannot|i can't|please note|as an ai|let me know|sure)\b", re.I)
_FENCE = re.compile(r"```(?:json)?\s*(.*?)(?:```|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Parsed:
    """expressions: kind → texts, each once. dropped: reason → how many."""

    expressions: dict[str, tuple[str, ...]]
    dropped: dict[str, int]


def expressions(answer: str) -> Parsed:
    """The three lists of an answer: under headings of any style, with bullets or commas, or as JSON."""
    found: dict[str, dict[str, str]] = {}
    dropped: dict[str, int] = {}
    seen: set[str] = set()
    for kind, raw in _items(_REASONING.sub("", answer)):
        text, problem = _checked(kind, raw)
        if not problem and text.casefold() in seen:
            problem = "given twice"
        if problem:
            dropped[problem] = dropped.get(problem, 0) + 1
            continue
        seen.add(text.casefold())
        found.setdefault(kind, {})[text.casefold()] = text
    return Parsed({kind: tuple(texts.values()) for kind, texts in found.items()}, dropped)


def description(answer: str) -> str | None:
    """The answer as one line of text; None where it is no description."""
    text = " ".join(
        _MARKS.sub("", line) + _end(line) for line in _REASONING.sub("", answer).splitlines() if line.strip()
    )
    text = " ".join(text.split())
    refused = re.match(r"(?:i'm sorry|sorry|i cannot|i can't|as an ai)\b", text, re.IGNORECASE)
    return None if refused or len(text) < SHORTEST_DESCRIPTION or text.startswith("<") else text


def concepts(answer: str) -> tuple[tuple[str, ...], dict[str, int]]:
    """(the phrases of a list in their order, each once; reason → how many were dropped)."""
    found: dict[str, str] = {}
    dropped: dict[str, int] = {}
    for raw in _phrases(_REASONING.sub("", answer)):
        text, problem = _checked("concept", raw)
        problem = problem or ("given twice" if text.casefold() in found else "")
        if problem:
            dropped[problem] = dropped.get(problem, 0) + 1
        else:
            found[text.casefold()] = text
    return tuple(found.values()), dropped


def _phrases(answer: str) -> Iterator[str]:
    """A line each, headings left out; or the texts of JSON, with lists under headings or without."""
    structured = _any_json(answer)
    if isinstance(structured, dict):
        structured = [text for texts in structured.values() if isinstance(texts, list) for text in texts]
    if isinstance(structured, list):
        yield from (text for text in structured if isinstance(text, str))
        return
    for line in answer.splitlines():
        bare = line.strip().strip("*_ ")
        if bare and not bare.endswith(":") and not bare.startswith(("#", "```")):
            yield from _parts(line)


def _end(line: str) -> str:
    return line.rstrip()[-1] if line.rstrip()[-1] in ".;" else ""


def _items(answer: str) -> Iterator[tuple[str, str]]:
    """(kind, text) as they come."""
    structured = _json(answer)
    if structured is not None:
        for key, texts in structured.items():
            kind = _kind(str(key))
            if kind and isinstance(texts, list):
                yield from ((kind, text) for text in texts if isinstance(text, str))
        return
    kind: str | None = None
    for line in answer.splitlines():
        heading = _HEADING.match(line)
        named = _kind(heading[1]) if heading else None
        if heading and named:
            kind = named
            line = heading[2] or ""
        if kind and line.strip():
            yield from ((kind, part) for part in _parts(line))


def _parts(line: str) -> Iterable[str]:
    """A line is one item, or several with commas between them where it has no bullet."""
    bare = _BULLET.sub("", line)
    return [bare] if bare != line or "," not in line or _SENTENCE.search(line) else bare.split(",")


def _kind(heading: str) -> str | None:
    words = " ".join(heading.lower().replace("_", " ").split())
    return next((kind for name, kind in HEADINGS.items() if words in (name, name + "s", f"related {name}s")), None)


def _json(answer: str) -> dict[str, object] | None:
    found = _any_json(answer)
    return found if isinstance(found, dict) else None


def _any_json(answer: str) -> object:
    fenced = _FENCE.search(answer)
    try:
        return json.loads(fenced[1] if fenced else answer)
    except (ValueError, RecursionError):
        return None


def _checked(kind: str, raw: str) -> tuple[str, str]:
    """(the text as it is kept, "") or ("", why it is dropped)."""
    text = _MARKS.sub("", _MARKS.sub("", _BULLET.sub("", raw)).strip()).strip()
    text = " ".join(_EXPLAINED.sub("", text).split())
    if not text or text.casefold() in _NOTHING or not any(map(str.isalnum, text)):
        return "", "empty"
    if _SENTENCE.search(text):
        return "", "a sentence"
    if len(text.split()) > MOST_WORDS or len(text) > MOST_CHARACTERS:
        return "", "too long"
    if "|" in text or "\t" in text or text.startswith("#"):
        return "", "holds a mark of the file's own"
    if kind == "abbreviation" and (
        len(text) > LONGEST_ABBREVIATION or not any(c.isupper() or c.isdigit() for c in text)
    ):
        return "", "no abbreviation"
    return text, ""
