"""What `icdcoder explain` prints."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from icdcoder.cli.prediction_table import show
from icdcoder.cli.screen import out
from icdcoder.cli.showing import parse_code
from icdcoder.coder import Coder
from icdcoder.core import components
from icdcoder.core.concept import ConceptCoder
from icdcoder.core.errors import ConfigError, InputError
from icdcoder.core.note import Note
from icdcoder.intake import read_notes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from icdcoder.core.code import Code
    from icdcoder.explain.concepts import CodeReasons, ConceptReason

CONCEPTS = "concepts"
# Missing concepts that are shown of each code.
MISSING = 5


def explain_note(
    source: str, coder: str, codes: list[str], method: str, answers: list[str], form: str = "table"
) -> None:
    """Prints codes with evidence. codes: also ones not accepted; none: the accepted. method: "" for the coder's own.
    answers: concepts that a person has judged, for a coder over concepts."""
    item = next(iter(read_notes([source])))
    if not isinstance(item, Note):
        raise InputError(str(item))
    if form not in ("table", "json"):
        raise ConfigError(f"--format is {form!r}; it can be table or json.")
    if coder in ("builtin", "ranked"):
        raise ConfigError(
            f"icdcoder explain is for the folder of a trained coder; icdcoder code shows what {coder} read."
        )
    loaded = Coder.load(coder)
    over_concepts = isinstance(loaded.predictor, ConceptCoder) and method in ("", CONCEPTS)
    if over_concepts:
        _explain_concepts(loaded, item, codes, answers, form)
        return
    if answers or form == "json":
        raise ConfigError("--set-concept and --format json are for coders over concepts, explained by their concepts.")
    module = components.load("explain", method or loaded.explainer or "occlusion")
    prediction = next(iter(loaded.predictor.predict([item], top=10_000 if codes else 0)))
    wanted = _codes(loaded, codes) or [c.code for c in prediction.accepted]
    known = {c.code for c in prediction.codes}
    for code in wanted:
        if code not in known:
            raise InputError(f"{code} is not among the codes that this coder predicts.")
    evidence = module.explain(loaded.predictor, item, wanted, spans=loaded.spans)
    kept = tuple(replace(c, evidence=evidence.get(c.code, ())) for c in prediction.codes if c.code in wanted)
    show(out(), item, replace(prediction, codes=kept))


def _codes(loaded: Coder, texts: Sequence[str]) -> list[Code]:
    """Typed codes; of a coder that answers in one code system alone, the system need not be written."""
    systems = {text.partition(":")[0] for text in (loaded.card or {}).get("descriptions", {})}
    only = f"{next(iter(systems))}:" if len(systems) == 1 else ""
    return [parse_code(text if ":" in text else only + text) for text in texts]


def _explain_concepts(loaded: Coder, note: Note, codes: list[str], answers: list[str], form: str) -> None:
    from icdcoder.explain.concepts import parse_answers, reasons

    wanted = _codes(loaded, codes)
    found = reasons(loaded.predictor, note, wanted, parse_answers(answers))
    if form == "json":
        for one in found:
            print(json.dumps(one.to_json(), ensure_ascii=False))
        return
    descriptions = (loaded.card or {}).get("descriptions", {})
    for one in found:
        _show(one, descriptions.get(str(one.code), ""))
    if not found:
        out().print("No code is accepted for this note; name one with --code.")


def _show(one: CodeReasons, description: str) -> None:
    from rich.markup import escape
    from rich.table import Table

    before = "" if abs(one.score - one.before) < 5e-5 else f" (was {one.before:.3f})"
    mark = "accepted" if one.accepted else "not accepted"
    out().print(f"{escape(str(one.code))} {escape(description)}: {one.score:.3f}{before}, {mark}")
    if one.concepts_from:
        out().print(f"  It has no concepts of its own; those of {escape(str(one.concepts_from))} stand in for them.")
    if not one.supporting and not one.missing:
        out().print("  No concept bears on it; this is how frequent it is.")
        return
    table = Table(box=None, pad_edge=True, show_header=True)
    for name in ("", "concept", "score", "weight", "in the note"):
        table.add_column(name, justify="right" if name in ("score", "weight") else "left", overflow="fold")
    for mark, listed in (("+", one.supporting), ("−", one.missing[:MISSING])):
        for reason in listed:
            table.add_row(mark, escape(reason.concept), *_cells(reason))
    out().print(table)
    if len(one.missing) > MISSING:
        out().print(f"  and {len(one.missing) - MISSING} more missing")


def _cells(reason: ConceptReason) -> tuple[str, str, str]:
    from rich.markup import escape

    words = "; ".join(f"{e.start}–{e.end} {escape(' '.join(e.text.split()))}" for e in reason.evidence)
    return f"{reason.score:.2f}{' (set)' if reason.is_set else ''}", f"{reason.weight:+.2f}", words
