from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from icdcoder.core.config import build, read_toml
from icdcoder.core.errors import ConfigError, InputError
from icdcoder.nn.batching import TokenisedNotes
from icdcoder.train.journal import read
from icdcoder.train.loop import TrainConfig, train
from icdcoder.train.steps import binary_cross_entropy, steps_of_epoch
from icdcoder.train.stopping import TrainingStoppedError


def test_it_learns_and_keeps_the_best_weights(tiny: ModuleType, tmp_path: Path) -> None:
    model, config = (
        tiny.model(width=24, dropout=0.1),
        tiny.config(
            epochs=12, batch_size=32, learning_rate=0.2, monitor="loss", monitor_mode="min", checkpoint_every_steps=99
        ),
    )
    result = train(model, tiny.notes(600), tiny.validate, config, tmp_path / "run", cpu=True)
    epochs = [line for line in read(tmp_path / "run" / "metrics.jsonl") if line["kind"] == "epoch"]
    losses = [line["validation"]["loss"] for line in epochs]
    assert result.best_score < 0.7 * tiny.validate(tiny.model(width=24), 0)["loss"]
    assert result.best_epoch == 1 + int(np.argmin(losses))
    best = tiny.model(width=24)
    best.load_state_dict(load_file(tmp_path / "run" / "best.safetensors"))
    assert tiny.validate(best, 0)["loss"] == pytest.approx(result.best_score, rel=1e-6)
    assert tiny.validate(model, 0)["loss"] == pytest.approx(losses[-1], rel=1e-6)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tiny: ModuleType, tmp_path: Path) -> None:
    digests = [
        tiny.digest(tiny.run(tmp_path / str(n), epochs=2, seed=seed)[1]) for n, seed in enumerate((4, 4, 5))
    ]  # fmt: skip
    assert digests[0] == digests[1] != digests[2]


def test_validation_leaves_no_trace_in_training(tiny: ModuleType, tmp_path: Path) -> None:
    def quiet(module: Any, epoch: int) -> dict[str, float]:
        return {"accuracy": 0.0}

    model = tiny.model()
    train(model, tiny.notes(), quiet, tiny.config(), tmp_path / "quiet", cpu=True)
    assert tiny.digest(model) == tiny.digest(tiny.run(tmp_path / "drawing")[1])


def test_the_loop_is_the_plain_pytorch_loop(tiny: ModuleType, tmp_path: Path) -> None:
    config = tiny.config(epochs=2, weight_decay=0.01, optimiser="adamw", gradient_clip=0.05, schedule="linear")
    model = tiny.model(dropout=0.0)
    train(model, tiny.notes(), tiny.validate, config, tmp_path / "run", cpu=True)
    plain, notes = tiny.model(dropout=0.0), tiny.notes()
    matrices = [p for p in plain.parameters() if p.ndim > 1]
    vectors = [p for p in plain.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=0.02)
    done, total = 0, 2 * len(steps_of_epoch(notes.lengths, config, 1))
    for epoch in (1, 2):
        for (indices,) in steps_of_epoch(notes.lengths, config, epoch):
            for group in optimiser.param_groups:
                group["lr"] = 0.02 * (1 - done / total)
            batch = notes.batch(indices)
            optimiser.zero_grad()
            torch.nn.functional.binary_cross_entropy_with_logits(plain(batch).logits, batch.targets).backward()
            torch.nn.utils.clip_grad_norm_(plain.parameters(), 0.05)
            optimiser.step()
            done += 1
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_accumulated_batches_count_by_their_notes(tiny: ModuleType, tmp_path: Path) -> None:
    # 58 notes in batches of 8, all in one step: the last batch holds two notes.
    config = tiny.config(epochs=3, batch_size=8, gradient_accumulation=50)
    whole = tiny.config(epochs=3, batch_size=58)
    models = [tiny.model(dropout=0.0) for _ in range(2)]
    for n, (model, c) in enumerate(zip(models, (config, whole), strict=True)):
        result = train(model, tiny.notes(), tiny.validate, c, tmp_path / str(n), cpu=True)
        assert result.steps == 3
    for a, b in zip(*(m.parameters() for m in models), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
    losses = [[x["loss"] for x in read(tmp_path / d / "metrics.jsonl") if x["kind"] == "epoch"] for d in "01"]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_patience_ends_training(tiny: ModuleType, tmp_path: Path) -> None:
    scores = iter([0.9, 0.1, 0.5, 0.4, math.nan, 0.5, 0.9])
    model = tiny.model()
    result = train(
        model,
        tiny.notes(),
        lambda module, epoch: {"map": next(scores)},
        tiny.config(epochs=50, monitor="map", patience=3),
        tmp_path / "run",
        cpu=True,
    )
    assert (result.best_epoch, result.best_score, result.epochs_run) == (2, 0.5, 5)
    assert result.stopped_because == "map has not risen for 3 epochs"


def test_the_journal_tells_the_run_and_no_more(tiny: ModuleType, tmp_path: Path) -> None:
    tiny.run(tmp_path / "run", schedule="linear")
    lines = read(tmp_path / "run" / "metrics.jsonl")
    kinds = [line["kind"] for line in lines]
    assert kinds[:2] == ["start", "untrained"]
    assert kinds.count("epoch") == 3
    assert [line["step"] for line in lines if line["kind"] == "interval"] == [5, 10, 15, 20]
    last = lines[-1]
    assert (last["kind"], last["epoch"], last["step"]) == ("epoch", 3, 24)
    assert set(last["validation"]) == {"loss", "accuracy", "seen"}
    assert last["notes_per_second"] > 0
    assert last["memory_mb"] > 50
    assert last["learning_rate"] == 0
    assert lines[0]["threads"] == 1
    assert {line["validation"]["seen"] for line in lines if "validation" in line} == {0, 1, 2, 3}


def test_the_settings_are_saved_and_repeat_the_run(tiny: ModuleType, tmp_path: Path) -> None:
    tiny.run(tmp_path / "run", gradient_clip=0.3)
    saved = build(TrainConfig, read_toml(tmp_path / "run" / "training.toml"), "train")
    assert saved == tiny.config(gradient_clip=0.3)


def test_a_loss_that_is_no_number_names_its_step_and_notes(tiny: ModuleType, tmp_path: Path) -> None:
    notes, made = tiny.notes(), []

    def breaks_at_11(scores: Any, batch: Any) -> torch.Tensor:
        made.append(batch)
        return binary_cross_entropy(scores, batch) * (math.nan if len(made) == 11 else 1.0)

    config = tiny.config()
    ids = [f"note-{i}" for i in range(len(notes))]
    with pytest.raises(TrainingStoppedError) as caught:
        train(
            tiny.model(), notes, tiny.validate, config, tmp_path / "run", loss=breaks_at_11, ids=ids, cpu=True
        )  # fmt: skip
    third_step_of_second_epoch = steps_of_epoch(notes.lengths, config, 2)[2][0]
    message = str(caught.value)
    assert "the loss is nan at step 11" in message
    assert all(f"note-{i}" in message for i in third_step_of_second_epoch)
    checkpoints = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert checkpoints == ["step-00000008", "step-00000009"]
    result, _ = tiny.run(tmp_path / "run")  # with a loss that is whole, it goes on
    assert result.steps == 24


def test_weights_that_are_no_number_are_never_saved(tiny: ModuleType, tmp_path: Path) -> None:
    model, made = tiny.model(), []

    def poisons_the_gradient_at_6(scores: Any, batch: Any) -> torch.Tensor:
        made.append(batch)
        if len(made) == 6:
            model.codes.bias.register_hook(lambda gradient: gradient * math.inf)
        return binary_cross_entropy(scores, batch)

    with pytest.raises(TrainingStoppedError, match="a weight is no number after step 6"):
        train(
            model, tiny.notes(), tiny.validate, tiny.config(), tmp_path / "r", loss=poisons_the_gradient_at_6, cpu=True
        )
    assert [path.name for path in (tmp_path / "r" / "checkpoints").iterdir()] == ["step-00000003"]


def test_a_misspelt_measure_is_found_before_the_first_epoch(tiny: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'acuracy', which validation does not measure\. Did you mean 'accuracy'\?"):
        tiny.run(tmp_path / "run", monitor="acuracy")
    assert [line["kind"] for line in read(tmp_path / "run" / "metrics.jsonl")] == ["start"]


def test_notes_without_codes_are_refused(tiny: ModuleType, tmp_path: Path) -> None:
    for notes in (tiny.notes(gold=False), TokenisedNotes([], codes=6, gold=[])):
        with pytest.raises(InputError, match="needs notes with codes"):
            train(tiny.model(), notes, tiny.validate, tiny.config(), tmp_path / "run", cpu=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_the_model_is_given_back_as_it_was(tiny: ModuleType, tmp_path: Path, precision: str) -> None:
    model = tiny.model()
    before = set(vars(model))
    batch = tiny.notes().batch([0, 1])
    train(model, tiny.notes(), tiny.validate, tiny.config(precision=precision), tmp_path / "run", cpu=True)
    assert set(vars(model)) == before
    assert model(batch).logits.dtype == torch.float32


def test_bf16_computes_in_bf16_and_learns_like_float32(tiny: ModuleType, tmp_path: Path) -> None:
    seen = set()

    def watching(scores: Any, batch: Any) -> torch.Tensor:
        seen.add(scores.logits.dtype)
        return binary_cross_entropy(scores, batch)

    config = tiny.config(precision="bf16", epochs=10, monitor="loss", monitor_mode="min")
    half = train(tiny.model(), tiny.notes(), tiny.validate, config, tmp_path / "half", loss=watching, cpu=True)
    assert seen == {torch.bfloat16}
    full, _ = tiny.run(tmp_path / "full", epochs=10, monitor="loss", monitor_mode="min")
    assert half.best_score == pytest.approx(full.best_score, abs=0.02)
    weights = load_file(tmp_path / "half" / "best.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}


def test_fp16_on_a_cpu_is_refused(tiny: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'fp16', which needs an accelerator"):
        tiny.run(tmp_path / "run", precision="fp16")


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"learning_rate": 0},
        {"learning_rate": math.inf},
        {"optimiser": "sgd"},
        {"patience": -1},
        {"lr": 1},
    ],
)
def test_settings_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"'?train.{next(iter(wrong))}'?"):
        build(TrainConfig, wrong, "train")


class Recorder:
    def __init__(self) -> None:
        self.epochs: list[tuple[str, int | None]] = []
        self.done = 0
        self.last = ""

    @contextmanager
    def track(self, what: str, total: int | None = None) -> Iterator[Any]:
        self.epochs.append((what, total))

        def step(done: int = 1, note: str = "") -> None:
            self.done += done
            self.last = note or self.last

        yield step


def test_progress_counts_notes_and_tells_loss_and_score(tiny: ModuleType, tmp_path: Path) -> None:
    recorder = Recorder()
    train(tiny.model(), tiny.notes(), tiny.validate, tiny.config(), tmp_path / "run", progress=recorder, cpu=True)  # type: ignore[arg-type]
    assert recorder.epochs == [(f"epoch {n}/3", 58) for n in (1, 2, 3)]
    assert recorder.done == 3 * 58
    assert recorder.last.startswith("loss 0.")
    assert ", accuracy 0." in recorder.last
