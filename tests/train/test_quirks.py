"""Settings that repeat how some authors' code trains."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from icdcoder.train.journal import read
from icdcoder.train.loop import train
from icdcoder.train.steps import steps_of_epoch


def test_the_last_epoch_is_kept_whatever_the_measure_says(tiny: ModuleType, tmp_path: Path) -> None:
    scores = iter([0.0, 0.9, 0.5, 0.4, 0.3])
    model = tiny.model()
    result = train(
        model,
        tiny.notes(),
        lambda module, epoch: {"map": next(scores)},
        tiny.config(epochs=4, patience=1, keep="last", monitor="map"),
        tmp_path,
        cpu=True,
    )
    assert (result.best_epoch, result.best_score, result.epochs_run) == (4, 0.3, 4)
    for name, weight in load_file(tmp_path / "best.safetensors").items():
        assert torch.equal(weight, model.state_dict()[name])


def test_a_run_that_keeps_the_last_epoch_goes_on(tiny: ModuleType, tmp_path: Path) -> None:
    once, _ = tiny.run(tmp_path, keep="last")
    assert tiny.run(tmp_path, keep="last")[0] == once


def test_notes_that_fill_no_batch_are_left_out(tiny: ModuleType) -> None:
    lengths = tiny.notes(58).lengths
    for epoch in (1, 2):
        batches = list(chain(*steps_of_epoch(lengths, tiny.config(whole_batches=True), epoch)))
        assert {len(batch) for batch in batches} == {8}
        assert sorted(np.concatenate(batches)) == list(range(56))
    (few,), *none = steps_of_epoch(lengths[:5], tiny.config(whole_batches=True), 1)
    assert (len(few), none) == (5, [])


def test_the_first_batch_may_be_a_step_of_its_own(tiny: ModuleType) -> None:
    lengths = tiny.notes(58).lengths  # eight batches
    settings = {"gradient_accumulation": 3, "epochs": 1}
    plain = steps_of_epoch(lengths, tiny.config(**settings), 1)
    alone = steps_of_epoch(lengths, tiny.config(**settings, first_batch_alone=True), 1)
    assert [len(step) for step in plain] == [3, 3, 2]
    assert [len(step) for step in alone] == [1, 3, 3, 1]
    for a, b in zip(chain(*plain), chain(*alone), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_first_batch_alone_is_the_authors_loop(tiny: ModuleType, tmp_path: Path) -> None:
    """Losses divided by the accumulation, a step where the number of the batch divides by it, and at the end."""
    config = tiny.config(epochs=2, batch_size=1, gradient_accumulation=3, first_batch_alone=True)
    model, plain, notes = tiny.model(dropout=0.0), tiny.model(dropout=0.0), tiny.notes(11)
    train(model, notes, tiny.validate, config, tmp_path, cpu=True)
    optimiser = torch.optim.Adam(plain.parameters(), lr=0.02)
    losses: list[float] = []
    for epoch in (1, 2):
        batches = list(chain(*steps_of_epoch(notes.lengths, config, epoch)))
        for number, indices in enumerate(batches):
            batch = notes.batch(indices)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(plain(batch).logits, batch.targets)
            (loss / 3).backward()
            losses.append(loss.item())
            if number % 3 == 0 or number == len(batches) - 1:
                optimiser.step()
                optimiser.zero_grad()
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    said = [line["loss"] for line in read(tmp_path / "metrics.jsonl") if line["kind"] == "epoch"]
    assert said == pytest.approx([np.mean(losses[:11]), np.mean(losses[11:])], rel=1e-4)


@pytest.mark.parametrize(("over", "left"), [("steps", 0.0), ("batches", 1 - 9 / 24)])
def test_a_schedule_over_batches_ends_above_nothing(tiny: ModuleType, tmp_path: Path, over: str, left: float) -> None:
    # 58 notes are 8 batches and 3 steps an epoch.
    tiny.run(tmp_path, schedule="linear", gradient_accumulation=3, schedule_over=over)
    last = read(tmp_path / "metrics.jsonl")[-1]
    assert last["step"] == 9
    assert last["learning_rate"] == pytest.approx(0.02 * left)
