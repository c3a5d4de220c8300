"""What the training loop costs above a bare PyTorch loop, fused against default Adam, and how much is padding.

python -m benchmarks training_loop [--quick]. Both sides of a comparison run in turns in one process, on one thread. The
least time of each is printed, as other work on the machine can only add to it; ratios mean more than the times.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from icdcoder.nn.batching import TokenisedNotes, training_batches
from icdcoder.nn.contract import Batch, Scores
from icdcoder.train import optimiser as optimisers
from icdcoder.train.checkpoint import Checkpoints
from icdcoder.train.fingerprint import Fingerprint
from icdcoder.train.journal import read
from icdcoder.train.loop import TrainConfig, train
from icdcoder.train.steps import steps_of_epoch

QUICK = "--quick" in sys.argv
ROUNDS = 3 if QUICK else 15
MEAN_TOKENS, MOST_TOKENS = 1424, 2500


class MeanPool(nn.Module):
    """A step that costs little, so that what the loop adds is seen."""

    def __init__(self, words: int, width: int, codes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.codes = nn.Linear(width, codes)

    def forward(self, batch: Batch, *, attention_codes: Tensor | None = None) -> Scores:
        mask = batch.mask.unsqueeze(-1)
        pooled = (self.embedding(batch.tokens) * mask).sum(1) / mask.sum(1).clamp(min=1)
        return Scores(self.codes(pooled))


def note_lengths(count: int) -> np.ndarray:
    """Log-normal, cut at the cap, with the mean that discharge summaries of MIMIC-III have."""
    rng = np.random.default_rng(0)
    normal = rng.standard_normal(count)
    low, high = 1.0, 5000.0
    for _ in range(40):  # the median for which the mean after the cut is as wanted
        median = (low + high) / 2
        mean = np.minimum(MOST_TOKENS, median * np.exp(0.6 * normal)).mean()
        low, high = (median, high) if mean < MEAN_TOKENS else (low, median)
    return np.clip(np.round(median * np.exp(0.6 * normal)), 1, MOST_TOKENS).astype(np.int64)


def random_notes(count: int, words: int, codes: int, tokens: int) -> TokenisedNotes:
    rng = np.random.default_rng(1)
    rows = [rng.integers(2, words, size=tokens).astype(np.int32) for _ in range(count)]
    return TokenisedNotes(rows, codes, [np.unique(rng.integers(0, codes, size=5)).astype(np.int32) for _ in rows])


def bare_epoch(model: nn.Module, notes: TokenisedNotes, config: TrainConfig) -> float:
    """Seconds of one epoch of the shortest loop that does the same sums."""
    optimiser = torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)
    steps = steps_of_epoch(notes.lengths, config, 1)
    began = time.perf_counter()
    for (indices,) in steps:
        batch = notes.batch(indices)
        loss = nn.functional.binary_cross_entropy_with_logits(model(batch).logits, batch.targets)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        loss.item()
    return time.perf_counter() - began


def our_epoch(model: nn.Module, notes: TokenisedNotes, config: TrainConfig) -> float:
    """Seconds of the steps of one epoch, without validation and the checkpoint at its end."""
    with tempfile.TemporaryDirectory() as folder:
        train(model, notes, lambda module, epoch: {"f1": 0.0}, config, Path(folder), cpu=True)
        return read(Path(folder) / "metrics.jsonl")[-1]["seconds"]


def overhead() -> None:
    print("Training loop against a bare PyTorch loop, batches of 16, one process, milliseconds a step")
    print(f"{'embedding':>12} {'codes':>6} {'tokens':>7} {'bare':>8} {'ours':>8} {'added':>8} {'ratio':>6}")
    # Few steps a turn and many turns, so that some turn is undisturbed.
    for count, words, width, codes, tokens in (
        (60, 1_000, 32, 50, 100),
        (20, 52_000, 100, 50, 700),
        (8, 52_000, 100, 8_922, 1_424),
    ):
        notes = random_notes(16 * count, words, codes, tokens)
        config = TrainConfig(epochs=1, batch_size=16, monitor="f1", checkpoint_every_steps=10**6)
        both: tuple[list[float], list[float]] = ([], [])
        for turn in range(ROUNDS + 1):
            for times, epoch in zip(both, (bare_epoch, our_epoch), strict=True):
                torch.manual_seed(0)
                seconds = epoch(MeanPool(words, width, codes), notes, config)
                if turn:  # the first turn warms up
                    times.append(1000 * seconds / count)
        bare, ours = map(min, both)
        name = f"{words} x {width}"
        print(f"{name:>12} {codes:6} {tokens:7} {bare:8.3f} {ours:8.3f} {ours - bare:+8.3f} {ours / bare:6.2f}")


def in_turns(*work: Callable[[], object]) -> list[float]:
    """The least seconds of each."""
    times: list[list[float]] = [[] for _ in work]
    for turn in range(2 * ROUNDS + 1):
        for mine, do in zip(times, work, strict=True):
            began = time.perf_counter()
            do()
            if turn:
                mine.append(time.perf_counter() - began)
    return [min(mine) for mine in times]


def fused() -> None:
    def parameters() -> Iterator[nn.Parameter]:
        for shape in ((52_000, 100), (8_922, 300), (8_922, 300)):
            parameter = nn.Parameter(torch.randn(shape))
            parameter.grad = torch.randn(shape)
            yield parameter

    ours = optimisers.build("adam", parameters(), learning_rate=1e-3)
    default = torch.optim.Adam(list(parameters()), lr=1e-3)
    one, other = in_turns(ours.step, default.step)
    print("\nOne step of Adam on a 52,000 x 100 embedding and two 8,922 x 300 matrices")
    print(f"  default {1000 * other:.1f} ms, fused {1000 * one:.1f} ms: {other / one:.1f} x faster")


def checkpoints() -> None:
    model = MeanPool(52_000, 100, 8_922)
    optimiser = optimisers.build("adam", model.parameters(), learning_rate=1e-3)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    optimiser.step()
    tensors, groups = optimisers.state_to_tensors(optimiser)
    with tempfile.TemporaryDirectory() as folder:
        store = Checkpoints(Path(folder), 2, Fingerprint({}, "", {}))
        steps = iter(range(10**6))
        (seconds,) = in_turns(
            lambda: store.save(next(steps), {"model": model.state_dict(), "optimiser": tensors}, {"groups": groups})
        )
    size = sum(p.nbytes for p in model.parameters()) * 3 / 2**20
    print(f"\nA checkpoint of {size:.0f} MiB, hashed and forced to the disk: {1000 * seconds:.0f} ms")


def padding() -> None:
    count = 5_000 if QUICK else 47_719  # the training notes of MIMIC-III
    lengths = note_lengths(count)
    random = np.random.default_rng(2).permutation(count)
    kinds = {
        "padded to the cap": [np.arange(count)],
        "random batches": [random[i : i + 16] for i in range(0, count, 16)],
        "training_batches": training_batches(lengths, 16, seed=0, epoch=1),
        "sorted (same batches each epoch)": [np.argsort(lengths)[i : i + 16] for i in range(0, count, 16)],
    }
    print(
        f"\nTokens computed per real token, {count:,} notes, log-normal, mean {lengths.mean():.0f}, cap {MOST_TOKENS}"
    )
    for name, batches in kinds.items():
        cap = MOST_TOKENS if name == "padded to the cap" else 0
        computed = sum(max(cap, int(lengths[batch].max())) * len(batch) for batch in batches)
        print(f"  {name:34} {computed / lengths.sum():.3f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    overhead()
    fused()
    checkpoints()
    padding()
