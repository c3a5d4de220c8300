"""What is measured of a finished run beyond its report: time, memory, weights, and codes that are hard to find."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from icdcoder.core.artefact import load_card
from icdcoder.core.code import Code
from icdcoder.core.document import Document
from icdcoder.experiment.concept_training import COST
from icdcoder.experiment.prepared import Prepared
from icdcoder.measure.frequency import Band
from icdcoder.measure.report import CARD

F1_OF_BAND, PAIRS_OF_BAND = "micro-F1 of codes with training notes ", "gold pairs of codes with training notes "


class Told(NamedTuple):
    """Evidence of a code. start: in the joined text. words: lower-case, one space between them."""

    start: int
    words: str


def of_training(folder: Path) -> dict[str, float]:
    """seconds_an_epoch: the median, without validation; peak_memory_mb: of the process; trained_weights: millions.
    training_seconds: without validation too. Of a coder over concepts, which is trained in other steps:
    concepts_scored: of how many it needs the score, a note; codes_asked: how many a language model is asked of, where
    one is the head; processor_seconds.
    """
    cost = folder / "run" / COST
    if cost.exists():
        told = json.loads(cost.read_text(encoding="utf-8"))
        found = {"concepts_scored": told["scored_a_note"], "codes_asked": told.get("codes_asked")}
        found |= {name: told.get(name) for name in ("training_seconds", "processor_seconds")}
        return {name: value for name, value in found.items() if value is not None}
    if not (folder / "run" / "metrics.jsonl").exists():
        return {}
    lines = [json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    epochs = [line for line in lines if line["kind"] == "epoch"]
    return {
        "training_seconds": sum(line["seconds"] for line in epochs),
        "seconds_an_epoch": statistics.median(line["seconds"] for line in epochs),
        "peak_memory_mb": max(line["memory_mb"] for line in lines if "memory_mb" in line),
        "trained_weights": _weights(folder / "run" / "best.safetensors"),
    }


def by_training_notes(folder: Path) -> dict[str, float]:
    """For each band of training notes with gold codes in the test part, the micro-F1 of its codes and their number of
    gold pairs."""
    card = json.loads((folder / "report" / CARD).read_text(encoding="utf-8"))
    found: dict[str, float] = {}
    for band in (Band(**one) for one in card["bands"]):
        if band.gold:
            found[F1_OF_BAND + band.label] = float(band.micro.f1)
            found[PAIRS_OF_BAND + band.label] = band.gold
    return found


def _weights(path: Path) -> float:
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118 (it is no dict)
    return sum(int(np.prod(shape)) for shape in shapes) / 1e6


def recall_of_late_codes(folder: Path, late_after: int) -> float | None:
    """Of the gold codes of test notes all of whose evidence begins behind `late_after` tokens, the share that was
    accepted. None where there are none, or the corpus has no evidence."""
    prepared = Prepared.load(folder / "prepared")

    def first_late(document: Document) -> int | None:
        offsets = prepared.reader.read(document.joined().text).offsets
        return int(offsets[late_after, 0]) if len(offsets) > late_after else None

    def late(document: Document, told: Mapping[Code, Sequence[Told]]) -> Iterator[Code]:
        limit = first_late(document)
        if limit is not None:
            yield from (code for code, spans in told.items() if all(span.start >= limit for span in spans))

    return _recall(folder, prepared, late)


def recall_of_unseen_wording(folder: Path) -> float | None:
    """Of the gold codes of test notes none of whose evidence stands word for word, but for case and spaces, in the
    evidence of the same code in a training note, the share that was accepted. None as above."""
    prepared = Prepared.load(folder / "prepared")
    seen = {
        (code, span.words)
        for i in prepared.split("train")
        for code, spans in _told(prepared.documents[i]).items()
        for span in spans
    }

    def unseen(_: Document, told: Mapping[Code, Sequence[Told]]) -> Iterator[Code]:
        yield from (code for code, spans in told.items() if all((code, span.words) not in seen for span in spans))

    return _recall(folder, prepared, unseen) if seen else None


def _told(document: Document) -> dict[Code, list[Told]]:
    found: dict[Code, list[Told]] = {}
    text = document.joined().text
    for one in document.joined_evidence() or ():
        words = " ".join(text[one.start : one.end].lower().split())
        found.setdefault(one.code, []).append(Told(one.start, words))
    return found


def _recall(
    folder: Path, prepared: Prepared, chosen: Callable[[Document, Mapping[Code, Sequence[Told]]], Iterable[Code]]
) -> float | None:
    """The share of the chosen gold codes that the coder of the run accepted in test notes."""
    with np.load(folder / "report" / "scores.npz") as saved:
        scores = saved["scores"]
    threshold = load_card(folder / "report" / CARD, "a report folder", ["about"])["about"]["threshold"]["value"]
    hits = []
    for row, i in enumerate(prepared.split("test")):
        document = prepared.documents[i]
        for code in chosen(document, _told(document)):
            if code in prepared.space:
                hits.append(bool(scores[row, prepared.space.index(code)] > threshold))
    return sum(hits) / len(hits) if hits else None
