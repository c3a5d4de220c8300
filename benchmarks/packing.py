"""Packing against bucketing: whether notes should be laid one behind the other into rows, or batched by length.

    python -m benchmarks packing [--quick]

What is computed for each real token, of 2,000 notes with lognormal lengths (mean 1,471): random batches, and the
bucketed ones of training. Then one step of a LLaMA (forward and backward) over some of these batches, and over their
notes in rows of the longest note's length in which they stand packed, each seeing itself only (a block-diagonal causal
mask, positions that begin anew). That both ways give a note the same states is checked first.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from _comparison import Work, report
from icdcoder.nn.batching import training_batches

NOTES, MEAN, SPREAD = 2000, 1471, 0.5
VOCABULARY, HIDDEN, LAYERS = 1000, 256, 2
TOGETHER, BATCHES = 4, 4


def lengths(count: int, mean: float) -> npt.NDArray[np.int64]:
    """Lognormal with this mean."""
    drawn = np.random.default_rng(0).lognormal(np.log(mean) - SPREAD**2 / 2, SPREAD, count)
    return np.clip(drawn, 16, 4 * mean).astype(np.int64)


def computed(known: npt.NDArray[np.int64], batches: Sequence[npt.NDArray[np.int64]]) -> float:
    """Tokens computed for each real one."""
    return float(sum(len(rows) * known[rows].max() for rows in batches) / known.sum())


def model_of() -> Any:
    from transformers import LlamaConfig, LlamaModel

    torch.manual_seed(0)
    sizes = {"hidden_size": HIDDEN, "intermediate_size": 3 * HIDDEN, "num_hidden_layers": LAYERS}
    return LlamaModel(LlamaConfig(vocab_size=VOCABULARY, num_attention_heads=4, use_cache=False, **sizes))


def bucketed(model: Any, notes: Sequence[Tensor]) -> list[Tensor]:
    """The states of each note; TOGETHER that follow each other are a batch."""
    found: list[Tensor] = [torch.empty(0)] * len(notes)
    for start in range(0, len(notes), TOGETHER):
        rows = range(start, start + TOGETHER)
        own = [notes[i] for i in rows]
        tokens = torch.nn.utils.rnn.pad_sequence(own, batch_first=True)
        mask = torch.arange(tokens.shape[1]) < torch.tensor([len(note) for note in own])[:, None]
        states = model(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
        for i, note, row in zip(rows, own, states, strict=True):
            found[i] = row[: len(note)]
    return found


def packed(model: Any, notes: Sequence[Tensor]) -> list[Tensor]:
    """The same; the longest notes are laid first, each into the first row that has room."""
    width = max(map(len, notes))
    rows: list[list[int]] = []
    for i in sorted(range(len(notes)), key=lambda i: -len(notes[i])):
        room = next((row for row in rows if sum(len(notes[j]) for j in row) + len(notes[i]) <= width), None)
        if room is None:
            rows.append([i])
        else:
            room.append(i)
    found: list[Tensor] = [torch.empty(0)] * len(notes)
    for row in rows:
        tokens = torch.cat([notes[i] for i in row])
        owner = torch.repeat_interleave(torch.arange(len(row)), torch.tensor([len(notes[i]) for i in row]))
        sees = (owner[:, None] == owner) & torch.ones(len(tokens), len(tokens), dtype=torch.bool).tril()
        mask = torch.zeros(sees.shape).masked_fill(~sees, torch.finfo(torch.float32).min)
        positions = torch.cat([torch.arange(len(notes[i])) for i in row])
        states = model(
            input_ids=tokens[None], attention_mask=mask[None, None], position_ids=positions[None]
        ).last_hidden_state[0]
        for place, i in enumerate(row):
            found[i] = states[owner == place]
    return found


def step(model: Any, states: Sequence[Tensor]) -> None:
    model.zero_grad()
    torch.stack([own.square().mean() for own in states]).mean().backward()


def processor_seconds(ways: Mapping[str, Work], turns: int) -> dict[str, list[float]]:
    """As `take_turns`, but of the processor: other work on the machine counts less."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + 1):
        for name, work in ways.items():
            began = time.process_time()
            work()
            if turn:
                seconds[name].append(time.process_time() - began)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter notes, fewer turns")
    parser.add_argument("--turns", type=int, default=5)
    asked = parser.parse_args()
    known = lengths(NOTES, MEAN)
    order = np.random.default_rng(1).permutation(NOTES)
    print(f"{NOTES} notes of {known.mean():.0f} tokens: computed for each real token")
    for size in (2, 4, 8, 16):
        random = computed(known, np.array_split(order, NOTES // size))
        own = statistics.mean(
            computed(known, training_batches(known, size, seed=0, epoch=epoch)) for epoch in range(1, 6)
        )
        print(f"  {size:2} notes a batch: bucketed {own:.3f}, random {random:.2f}")
    mean, turns = (150, 2) if asked.quick else (MEAN, asked.turns)
    known = lengths(NOTES, mean)
    batches = training_batches(known, TOGETHER, seed=0, epoch=1)[:BATCHES]
    draw = torch.Generator().manual_seed(0)
    notes = [torch.randint(4, VOCABULARY, (int(known[i]),), generator=draw) for rows in batches for i in rows]
    model = model_of()
    with torch.no_grad():
        for one, other in zip(bucketed(model, notes), packed(model, notes), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
    ways = {
        "bucketed": lambda: step(model, bucketed(model, notes)),
        "packed": lambda: step(model, packed(model, notes)),
    }
    average = statistics.mean(map(len, notes))
    title = f"{len(notes)} of them, {average:.0f} tokens on average, {LAYERS} layers of {HIDDEN}, forward and backward"
    report(title, processor_seconds(ways, turns), {}, base="bucketed")


if __name__ == "__main__":
    main()
