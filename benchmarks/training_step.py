"""One training step (forward, loss, backward; without the optimiser) of each model, against its plain formulation.

    python -m benchmarks training_step [--quick] [--model KIND]

8 notes of 2,500 tokens without padding and 8,922 codes; in real training icdcoder's batches of notes of like length
save what the plain formulation spends on padding, which comes on top.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from _comparison import Work, peak_in_new_process, print_peak, report, take_turns
from _plain_models import PLAIN
from _plain_pretrained import PRETRAINED, architecture
from icdcoder.core import components
from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.nn.contract import Batch, ModelContext, Scores

WORDS = 52_000
SHAPES = [(8, 2_500, 8_922), (8, 2_500, 50)]  # notes, tokens, codes
QUICK = [(2, 400, 2_000)]
# What the plain version leaves out, left out of ours too.
ALIKE: dict[str, dict[str, Any]] = {
    "kg_multirescnn": {"weighted_terms": 0, "graph_epochs": 0},
    "msmn": {"r_drop": 0.0},
}


def work(way: str, kind: str, shape: tuple[int, int, int]) -> Work:
    notes, tokens, codes = shape
    torch.manual_seed(0)
    read = torch.randint(2, WORDS, (notes, tokens))
    batch = Batch(read, read > 0, (torch.rand(notes, codes) < 15 / codes).float())
    if way == "plain":
        return _step(_Plain({**PLAIN, **PRETRAINED}[kind](WORDS, codes)), batch)
    module = components.load("models", kind)
    space = LabelSpace(Code("icd9cm", f"{i // 10:03}.{i % 10}") for i in range(codes))
    given = {"architecture": architecture(WORDS)} if kind in PRETRAINED else ALIKE.get(kind, {})
    return _step(module.build(module.Config(**given), ModelContext(WORDS, space, encode=_description)), batch)


def _step(model: Any, batch: Batch) -> Work:
    def once() -> None:
        scores = model(batch)
        loss = binary_cross_entropy_with_logits(scores.logits, batch.targets)
        (loss if scores.penalty is None else loss + scores.penalty).backward()
        model.zero_grad(set_to_none=True)

    return once


class _Plain:
    """A plain model called as ours are."""

    def __init__(self, model: Any) -> None:
        self.model, self.zero_grad = model, model.zero_grad

    def __call__(self, batch: Batch) -> Scores:
        logits = self.model(batch.tokens)
        if not hasattr(self.model, "penalty"):
            return Scores(logits)
        return Scores(logits, None, self.model.penalty(batch.targets))


def _description(text: str) -> npt.NDArray[np.int32]:
    """Numbers for a description or a synonym, five words long whatever it is."""
    return (np.arange(5, dtype=np.int32) + len(text) * 7) % (WORDS - 2) + 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small notes, few codes")
    parser.add_argument("--model", action="append", help="only this kind; can be given again")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print_peak(work(*json.loads(options.peak)))
        return
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for shape in QUICK if options.quick else SHAPES:
        for kind in options.model or [*PLAIN, *PRETRAINED]:
            ways = ("plain", "icdcoder")
            seconds = take_turns({way: work(way, kind, shape) for way in ways}, options.turns)
            megabytes = {way: peak_in_new_process(__file__, json.dumps([way, kind, shape])) for way in ways}
            report("{}: {} notes × {} tokens × {} codes".format(kind, *shape), seconds, megabytes)


if __name__ == "__main__":
    main()
