"""The GPU benchmark of large language models, at toy size and without a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]


def output(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks", "gpu_llm", *arguments]
    quiet = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=quiet, check=True, capture_output=True, text=True).stdout


def test_without_a_gpu_it_says_so() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    assert "There is no GPU here" in output()


def test_at_toy_size_every_figure_is_there() -> None:
    pytest.importorskip("transformers", reason="needs the extra [llm]")
    lines = output("--toy").splitlines()
    assert any("matrix peak, measured" in line for line in lines)
    for name in ("frozen states", "LoRA training"):
        row = next(line for line in lines if line.startswith(f"| {name}"))
        notes, rate, share, useful = row.split("|")[2:6]
        assert float(notes) > 0
        assert float(rate) > 0
        assert 0 < float(useful.strip(" %")) <= float(share.strip(" %"))
