"""The benchmark of training steps, at toy size: every model with label attention is in it, and has a plain version."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = "caml dr_caml multirescnn kg_multirescnn laat joint_laat transicd msmn hilat plm_icd plm_ca xr_lat".split()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", "training_step", *arguments]
    quiet = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", ["caml", "transicd", "xr_lat"])
def test_a_model_is_shown_beside_its_plain_formulation(kind: str) -> None:
    lines = run("--quick", "--model", kind).stdout.splitlines()
    assert any(line.startswith(f"{kind}: 2 notes × 300 tokens × 1000 codes") for line in lines)
    for way in ("plain", "icdcoder"):
        row = next(line for line in lines if line.strip().startswith(way))
        seconds, megabytes = re.search(r"([\d.]+) s .* ([\d.]+) MB", row).groups()
        assert float(seconds) > 0
        assert float(megabytes) > 0


def test_every_model_with_label_attention_is_known() -> None:
    refused = run("--model", "no_such_model")
    assert refused.returncode != 0
    assert all(f"'{kind}'" in refused.stderr or f" {kind}" in refused.stderr for kind in KINDS)
