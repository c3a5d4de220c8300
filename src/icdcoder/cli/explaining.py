"""What `icdcoder explain` prints."""

from __future__ import annotations

from dataclasses import replace

from icdcoder.cli.prediction_table import show
from icdcoder.cli.screen import out
from icdcoder.cli.showing import parse_code
from icdcoder.coder import Coder
from icdcoder.core import components
from icdcoder.core.errors import InputError
from icdcoder.core.note import Note
from icdcoder.intake import read_notes


def explain_note(source: str, coder: str, codes: list[str], method: str) -> None:
    """Prints codes with evidence. codes: also ones not accepted; none: the accepted. method: "" for the coder's own."""
    item = next(iter(read_notes([source])))
    if not isinstance(item, Note):
        raise InputError(str(item))
    loaded = Coder.load(coder)
    module = components.load("explain", method or loaded.explainer or "occlusion")
    prediction = next(iter(loaded.predictor.predict([item], top=10_000 if codes else 0)))
    wanted = [parse_code(text) for text in codes] or [c.code for c in prediction.accepted]
    known = {c.code for c in prediction.codes}
    for code in wanted:
        if code not in known:
            raise InputError(f"{code} is not among the codes that this coder predicts.")
    evidence = module.explain(loaded.predictor, item, wanted, spans=loaded.spans)
    kept = tuple(replace(c, evidence=evidence.get(c.code, ())) for c in prediction.codes if c.code in wanted)
    show(out(), item, replace(prediction, codes=kept))
