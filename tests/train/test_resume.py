from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from icdcoder.core.errors import ArtefactError
from icdcoder.train import random_state
from icdcoder.train.journal import read
from icdcoder.train.loop import train
from icdcoder.train.steps import binary_cross_entropy
from icdcoder.train.stopping import TrainingStoppedError

SCRIPT = Path(__file__).parent / "kill_training.py"
OPTIONS = {"normalise": True}
SETTINGS: dict[str, Any] = {"gradient_accumulation": 2, "batch_size": 4, "schedule": "cosine", "warmup_steps": 3}


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked to be killed")
def test_a_training_killed_at_random_ends_with_the_same_weights(tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    seed = int.from_bytes(os.urandom(2), "little")
    command = [sys.executable, str(SCRIPT), str(tmp_path), str(seed), "3"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)
    assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    report = json.loads(done.stdout)
    for trial in report["trials"]:
        assert trial["digest"] == report["whole"], f"seed {seed}"
        for kill in trial["kills"]:
            assert kill["made"] - kill["kept"] <= report["every"], f"seed {seed}"
    assert sum(kill["made"] % 15 != 0 for trial in report["trials"] for kill in trial["kills"]) >= 3, (
        "none in mid-epoch"
    )


def interrupting(after_batches: int, act: Callable[[], None]) -> Any:
    made = 0

    def loss(scores: Any, batch: Any) -> torch.Tensor:
        nonlocal made
        made += 1
        if made == after_batches:
            act()
        return binary_cross_entropy(scores, batch)

    return loss


def stop_after(tiny: ModuleType, folder: Path, batches: int, act: Callable[[], None]) -> str:
    """Trains until `act`, at the given batch, ends it. Returns the sentence."""
    model, config = tiny.model(**OPTIONS), tiny.config(**SETTINGS)
    with pytest.raises(TrainingStoppedError) as caught:
        train(model, tiny.notes(), tiny.validate, config, folder, loss=interrupting(batches, act), cpu=True)
    return str(caught.value)


def send(number: signal.Signals) -> Callable[[], None]:
    return lambda: signal.raise_signal(number)


@pytest.fixture(scope="module")
def whole(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[dict[str, Any]]]:
    """(digest of the weights, journal) of a run that nothing disturbed."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("whole")
    _, model = tiny.run(folder, options=OPTIONS, **SETTINGS)
    return tiny.digest(model), read(folder / "metrics.jsonl")


def without_clock(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a journal says of the training, not of the machine and its speed."""
    machine = {"notes_per_second", "seconds", "memory_mb"}
    return [{k: v for k, v in line.items() if k not in machine} for line in lines if line["kind"] != "start"]


@pytest.mark.parametrize(
    ("number", "name", "batch", "step"),
    [(signal.SIGTERM, "SIGTERM", 3, 2), (signal.SIGINT, "Ctrl-C", 18, 10), (signal.SIGTERM, "SIGTERM", 30, 16)],
)
def test_a_signal_saves_and_the_run_goes_on_exactly(
    tiny: ModuleType, tmp_path: Path, whole: Any, number: signal.Signals, name: str, batch: int, step: int
) -> None:
    message = stop_after(tiny, tmp_path / "run", batch, send(number))
    assert f"stopped by {name} in epoch" in message
    assert f"after step {step}; it is saved" in message
    assert (tmp_path / "run" / "checkpoints" / f"step-{step:08d}").is_dir()
    _, model = tiny.run(tmp_path / "run", options=OPTIONS, **SETTINGS)
    assert tiny.digest(model) == whole[0]
    lines = read(tmp_path / "run" / "metrics.jsonl")
    assert without_clock(lines) == without_clock(whole[1]), "the journal is that of an undisturbed run"
    assert sum(line["kind"] == "start" for line in lines) == 2


def test_a_signal_in_validation_drops_it_and_saves_the_epoch(tiny: ModuleType, tmp_path: Path, whole: Any) -> None:
    def validate(module: Any, epoch: int) -> dict[str, float]:
        torch.rand(5)
        if epoch == 2:
            signal.raise_signal(signal.SIGINT)
            pytest.fail("validation went on")
        return tiny.validate(module, epoch)

    with pytest.raises(TrainingStoppedError, match="in epoch 2 after step 16; it is saved"):
        train(
            tiny.model(**OPTIONS), tiny.notes(), validate, tiny.config(**SETTINGS), tmp_path / "run", cpu=True
        )  # fmt: skip
    _, model = tiny.run(tmp_path / "run", options=OPTIONS, **SETTINGS)
    assert tiny.digest(model) == whole[0]


def test_a_signal_before_the_first_step_has_nothing_to_save(tiny: ModuleType, tmp_path: Path) -> None:
    def validate(module: Any, epoch: int) -> dict[str, float]:
        signal.raise_signal(signal.SIGTERM)
        return {}

    with pytest.raises(TrainingStoppedError, match="before its first step"):
        train(tiny.model(), tiny.notes(), validate, tiny.config(), tmp_path / "run", cpu=True)
    assert not list((tmp_path / "run" / "checkpoints").iterdir())


def test_an_error_in_training_loses_only_the_steps_since_the_last_checkpoint(
    tiny: ModuleType, tmp_path: Path, whole: Any
) -> None:
    def fail() -> None:
        raise RuntimeError("the machine is on fire")

    model, config = tiny.model(**OPTIONS), tiny.config(**SETTINGS)
    with pytest.raises(RuntimeError, match="on fire"):
        train(model, tiny.notes(), tiny.validate, config, tmp_path / "run", loss=interrupting(20, fail), cpu=True)
    _, model = tiny.run(tmp_path / "run", options=OPTIONS, **SETTINGS)
    assert tiny.digest(model) == whole[0]
    starts = [line["step"] for line in read(tmp_path / "run" / "metrics.jsonl") if line["kind"] == "start"]
    assert starts == [0, 9]


def test_a_damaged_latest_checkpoint_costs_only_steps(
    tiny: ModuleType, tmp_path: Path, whole: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stop_after(tiny, tmp_path / "run", 20, send(signal.SIGTERM))
    latest = sorted((tmp_path / "run" / "checkpoints").iterdir())[-1]
    assert latest.name == "step-00000011"
    (latest / "model.safetensors").write_bytes(b"\x00" * 100)
    with caplog.at_level(logging.WARNING):
        _, model = tiny.run(tmp_path / "run", options=OPTIONS, **SETTINGS)
    assert "The checkpoint of step 11 is not used" in caplog.text
    assert tiny.digest(model) == whole[0]
    lines = read(tmp_path / "run" / "metrics.jsonl")
    assert without_clock(lines) == without_clock(whole[1])


def test_a_run_that_has_ended_gives_its_result_again(tiny: ModuleType, tmp_path: Path) -> None:
    first, model = tiny.run(tmp_path / "run")
    before = (tmp_path / "run" / "metrics.jsonl").read_bytes()
    second, again = tiny.run(tmp_path / "run")
    assert second == first
    assert tiny.digest(again) == tiny.digest(model)
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == before


def test_other_settings_are_refused_and_nothing_is_touched(tiny: ModuleType, tmp_path: Path) -> None:
    tiny.run(tmp_path / "run", epochs=1)
    files = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(
        ArtefactError, match=r"other settings \(digest .* there, .* here\): epochs is 1 there and 2 here"
    ):
        tiny.run(tmp_path / "run", epochs=2)
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == files


def test_lost_best_weights_are_noticed(tiny: ModuleType, tmp_path: Path) -> None:
    tiny.run(tmp_path / "run", epochs=1)
    (tmp_path / "run" / "best.safetensors").unlink()
    with pytest.raises(ArtefactError, match=r"best\.safetensors, the weights of epoch 1, is missing"):
        tiny.run(tmp_path / "run", epochs=1)


def test_random_states_go_through_json() -> None:
    random_state.seed_all(3, process=1)
    np.random.standard_normal()  # leaves a second number waiting, which is part of the state
    device = torch.device("cpu")
    states = json.loads(json.dumps(random_state.capture(device)))

    def draws() -> list[float]:
        return [np.random.standard_normal(), float(torch.rand(()))]

    first = draws()
    random_state.restore(states, device)
    assert draws() == first
    random_state.seed_all(3, process=2)
    assert draws() != first
