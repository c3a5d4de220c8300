"""What is measured of a finished run beyond its report: time, memory, weights, and codes told late."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import numpy as np

from icdcoder.core.artefact import load_card
from icdcoder.core.code import Code
from icdcoder.experiment.prepared import Prepared


def of_training(folder: Path) -> dict[str, float]:
    """seconds_an_epoch: the median, without validation; peak_memory_mb: of the process; trained_weights: millions."""
    lines = [json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    epochs = [line for line in lines if line["kind"] == "epoch"]
    return {
        "seconds_an_epoch": statistics.median(line["seconds"] for line in epochs),
        "peak_memory_mb": max(line["memory_mb"] for line in lines if "memory_mb" in line),
        "trained_weights": _weights(folder / "run" / "best.safetensors"),
    }


def _weights(path: Path) -> float:
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118 (it is no dict)
    return sum(int(np.prod(shape)) for shape in shapes) / 1e6


def recall_of_late_codes(folder: Path, trained_length: int) -> float | None:
    """Of the gold codes of test notes all of whose evidence begins behind the trained length, the share that was
    accepted. None where there are none, or the corpus has no evidence."""
    prepared = Prepared.load(folder / "prepared")
    test = prepared.split("test")
    with np.load(folder / "report" / "scores.npz") as saved:
        scores = saved["scores"]
    card = load_card(folder / "coder" / "coder.json", "a coder", ["threshold"])
    accepted = scores > card["threshold"]["value"]
    hits = []
    for row, i in enumerate(test):
        document = prepared.documents[i]
        offsets = prepared.reader.read(document.joined().text).offsets
        if len(offsets) <= trained_length:
            continue
        limit = int(offsets[trained_length, 0])
        first: dict[Code, int] = {}
        for evidence in document.joined_evidence() or ():
            first[evidence.code] = min(evidence.start, first.get(evidence.code, evidence.start))
        for code, start in first.items():
            if start >= limit and code in prepared.space:
                hits.append(bool(accepted[row, prepared.space.index(code)]))
    return sum(hits) / len(hits) if hits else None
