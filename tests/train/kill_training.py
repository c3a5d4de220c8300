"""Kills trainings with SIGKILL at random moments and lets them go on, each time in a new process.

kill_training.py FOLDER SEED ROUNDS: prints a JSON line with the weights' digests and what each kill cost. The
processes are forked, as importing torch anew for each would take most of the time.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import accelerate  # noqa: F401 (imported here, so that the forked processes need not)
import tiny_training as tiny
import torch
import torch._dynamo  # which making an optimiser imports
from torch import Tensor

from icdcoder.nn.contract import Batch, Scores
from icdcoder.train.loop import train
from icdcoder.train.steps import binary_cross_entropy

EVERY = 5
SETTINGS: dict[str, Any] = {"epochs": 4, "checkpoint_every_steps": EVERY, "gradient_accumulation": 2, "batch_size": 2}
# A step takes so long that most kills come in the middle of an epoch.
STEP_SECONDS = 0.004


def child(folder: Path, log: Path) -> None:
    """Trains in this process; each step is logged to `log` before it is made."""
    batches = 0
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def loss(scores: Scores, batch: Batch) -> Tensor:
        nonlocal batches
        batches += 1
        os.write(handle, b".")
        time.sleep(STEP_SECONDS / 2)
        return binary_cross_entropy(scores, batch)

    model = tiny.model(normalise=True)
    train(model, tiny.notes(), tiny.validate, tiny.config(**SETTINGS), folder, loss=loss, cpu=True)
    (folder / "digest").write_text(tiny.digest(model))


def start(folder: Path, log: Path) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            child(folder, log)
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    return pid


def trial(folder: Path, rng: random.Random) -> dict[str, Any]:
    """Kills a training until a process lives to its end."""
    kills = []
    begun_at = 0
    while True:
        log = folder.parent / f"{folder.name}.{len(kills)}"
        pid = start(folder, log)
        # Later and later, so that the training ends on a slow disk too.
        time.sleep(rng.uniform(0.02, 0.4 + 0.05 * len(kills)))
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            break
        # Two batches make a step: this many had certainly ended, the batch now in progress not counted.
        made = begun_at + max(0, (log.stat().st_size if log.exists() else 0) - 1) // 2
        begun_at = resumed_at(folder)
        kills.append({"made": made, "kept": begun_at})
    return {"digest": (folder / "digest").read_text(), "kills": kills}


def resumed_at(folder: Path) -> int:
    """The step from which the next process will go on."""
    steps = [int(p.name.removeprefix("step-")) for p in (folder / "checkpoints").glob("step-*")]
    return max(steps, default=0)


def main() -> None:
    torch.set_num_threads(1)
    folder, rng = Path(sys.argv[1]), random.Random(int(sys.argv[2]))
    whole = folder / "whole"
    _, status = os.waitpid(start(whole, folder / "whole.log"), 0)
    assert status == 0
    trials = [trial(folder / f"trial{n}", rng) for n in range(int(sys.argv[3]))]
    print(json.dumps({"every": EVERY, "whole": (whole / "digest").read_text(), "trials": trials}))


if __name__ == "__main__":
    main()
