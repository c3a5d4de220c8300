"""One training step (forward, loss, backward; without the optimiser) of each model with label attention, against its
plain formulation: seconds and peak memory.

    python -m benchmarks training_step [--quick] [--model KIND] [--notes 8] [--codes 8922]

8 notes of 2,500 tokens without padding and 8,922 codes; in real training icdcoder's batches of notes of like length
save what the plain formulation spends on padding, which comes on top. Each step is taken in a process of its own, after
a small one; the plain MSMN holds some 8 GB a note, so that `--notes 2` or `--codes 2230` compares it. XR-LAT trains all
four levels, each on all of its nodes: the choice of candidates by the level above, which saves more, is left out.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from _comparison import Work, cost_in_new_process, print_cost, report
from _plain_models import PLAIN, real_codes, word_numbers
from _plain_pretrained import PRETRAINED, architecture
from icdcoder.core import components
from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.nn.contract import Batch, ModelContext, Scores

WORDS = 52_000
TOKENS = 2_500
QUICK = (2, 300, 1_000)  # notes, tokens, codes
SMALL = (1, 40)  # notes and tokens of the step before
# What the plain version leaves out, left out of ours too.
ALIKE: dict[str, dict[str, Any]] = {
    "kg_multirescnn": {"weighted_terms": 0, "graph_epochs": 0},
    "msmn": {"r_drop": 0.0},
    "xr_lat": {"sampling": False, "batches_per_level": 0},
}


def work(way: str, kind: str, shape: tuple[int, int, int]) -> tuple[Work, Work]:
    """A small step and the one to be measured."""
    notes, tokens, codes = shape
    torch.manual_seed(0)
    model = _Plain({**PLAIN, **PRETRAINED}[kind](WORDS, codes)) if way == "plain" else _ours(kind, codes)
    return _step(model, _batch(*SMALL, codes)), _step(model, _batch(notes, tokens, codes))


def _ours(kind: str, codes: int) -> Any:
    module = components.load("models", kind)
    named = kind in ("msmn", "xr_lat")  # what they cost depends on names, or on what stands above the codes
    space = LabelSpace(real_codes(codes) if named else (Code("icd9cm", f"{i // 10:03}.{i % 10}") for i in range(codes)))
    given = ALIKE.get(kind, {}) | ({"architecture": architecture(WORDS)} if kind in PRETRAINED else {})
    encode = partial(word_numbers, words=WORDS) if named else _description
    return module.build(module.Config(**given), ModelContext(WORDS, space, encode=encode))


def _batch(notes: int, tokens: int, codes: int) -> Batch:
    read = torch.randint(2, WORDS, (notes, tokens))
    return Batch(read, read > 0, (torch.rand(notes, codes) < 15 / codes).float())


def _step(model: Any, batch: Batch) -> Work:
    gold = batch.targets
    assert gold is not None

    def once() -> None:
        scores = model(batch)
        loss = binary_cross_entropy_with_logits(scores.logits, gold)
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
    """Numbers for a description, five words long whatever it is."""
    return (np.arange(5, dtype=np.int32) + len(text) * 7) % (WORDS - 2) + 2


def main() -> None:
    kinds = [*PLAIN, *PRETRAINED]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small notes, few codes")
    parser.add_argument("--model", action="append", choices=kinds, help="only this one; can be given again")
    parser.add_argument("--notes", type=int, default=8)
    parser.add_argument("--codes", type=int, default=8_922)
    parser.add_argument("--turns", type=int, default=1, help="steps of each; the median is shown")
    parser.add_argument("--cost", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cost:
        print_cost(*work(*json.loads(options.cost)))
        return
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    shape = QUICK if options.quick else (options.notes, TOKENS, options.codes)
    for kind in options.model or kinds:
        _compare(kind, shape, options.turns)


def _compare(kind: str, shape: tuple[int, int, int], turns: int) -> None:
    seconds: dict[str, list[float]] = {"plain": [], "icdcoder": []}
    megabytes: dict[str, list[float]] = {"plain": [], "icdcoder": []}
    for _ in range(turns):
        for way in seconds:
            took, held = cost_in_new_process(__file__, json.dumps([way, kind, shape]))
            seconds[way].append(took)
            megabytes[way].append(held)
    most = {way: max(held) for way, held in megabytes.items()}
    report("{}: {} notes × {} tokens × {} codes".format(kind, *shape), seconds, most)


if __name__ == "__main__":
    main()
