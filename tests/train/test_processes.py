from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from icdcoder.core.errors import ConfigError
from icdcoder.train import processes
from icdcoder.train.journal import read

SCRIPT = Path(__file__).parent / "tiny_training.py"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.slow
def test_two_processes_train_what_one_does_with_the_same_batches(tiny: ModuleType, tmp_path: Path) -> None:
    # 58 notes in batches of 3: the last holds one note, and the second process none of it.
    settings = {"batch_size": 3, "gradient_accumulation": 3, "gradient_clip": 0.1}
    asked: dict[str, Any] = {"model": {"dropout": 0.0}, "train": settings}
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", f"--master_port={free_port()}"]
    done = subprocess.run(
        [*command, str(SCRIPT), str(tmp_path / "two"), json.dumps(asked)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    two = json.loads(line)
    result, model = tiny.run(tmp_path / "one", options=asked["model"], **asked["train"])
    assert two["steps"] == result.steps
    for name, tensor in model.state_dict().items():
        np.testing.assert_allclose(np.array(two["weights"][name]), tensor.numpy(), rtol=1e-4, atol=1e-6)
    journals = [read(tmp_path / folder / "metrics.jsonl") for folder in ("two", "one")]
    assert [journal[0]["processes"] for journal in journals] == [2, 1]
    for ours, theirs in zip(*([line for line in j if line["kind"] == "epoch"] for j in journals), strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-5)
        assert ours["validation"] == pytest.approx(theirs["validation"], rel=1e-5)


def test_one_process_after_another_may_use_another_precision() -> None:
    for precision in ("no", "bf16", "no"):
        assert processes.start(precision, cpu=True).mixed_precision == precision


def test_a_launcher_that_splits_the_weights_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "WHOLE_MODEL", ("MULTI_GPU",))
    with pytest.raises(ConfigError, match="Training cannot run under NO"):
        processes.start("no", cpu=True)


def test_the_launcher_s_environment_does_not_override_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    monkeypatch.setenv("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "7")
    accelerator = processes.start("no", cpu=True)
    assert (accelerator.mixed_precision, accelerator.gradient_accumulation_steps) == ("no", 1)


def test_alone_nothing_is_exchanged() -> None:
    accelerator = processes.start("no", cpu=True)
    assert processes.gathered(accelerator, "x") == ["x"]
    assert processes.from_main(accelerator, "x") == "x"
    assert processes.summed(accelerator, torch.tensor([1.0, 2.0])).tolist() == [1.0, 2.0]
    norm = nn.BatchNorm1d(2)
    processes.share_buffers(norm)
    assert norm.running_mean is not None
    assert norm.running_mean.tolist() == [0.0, 0.0]
