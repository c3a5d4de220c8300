"""How `icdcoder pack` makes a coder folder that travels."""

from __future__ import annotations

import shutil
from pathlib import Path

from icdcoder.coder import CARD, NEEDED, Coder
from icdcoder.core.artefact import load_card
from icdcoder.core.cache import atomic_folder


def pack(source: str, target: str) -> None:
    """Loads the coder (which checks every file), copies its files and writes a model card beside them."""
    Coder.load(source)
    folder = Path(source)
    card = load_card(folder / CARD, "a coder folder", NEEDED)
    with atomic_folder(Path(target)) as work:
        for name in (CARD, *card["files"]):
            shutil.copyfile(folder / name, work / name)
        (work / "README.md").write_text(_model_card(card), encoding="utf-8")


def _model_card(card: dict) -> str:
    trained = card.get("trained_on", {})
    threshold = card.get("threshold", {})
    rows = "\n".join(f"| {key} | {value} |" for key, value in trained.items())
    return f"""# {card["name"]}

A coder of icdcoder {card["version"]}: model `{card["model"]["kind"]}`, code systems {", ".join(card["systems"])}
(edition {card["edition"]}), {len(card["descriptions"])} described codes.

Use it with `icdcoder code --coder THIS_FOLDER note.txt`, or `Coder.load("THIS_FOLDER").code(text)`.

Threshold {threshold.get("value")}, chosen for {threshold.get("metric")} on the {threshold.get("split")} part.
It suggests codes to a person who decides; it is not a medical device.

| trained on | |
|---|---|
{rows}

Weights carry the terms of the data they were trained on: read the corpus's licence before passing them on.
"""
