from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

SCRIPT = Path(__file__).parent / "tiny_training.py"


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """tests/train/tiny_training.py: a small model, notes, and a way to train."""
    spec = importlib.util.spec_from_file_location("tiny_training", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _one_thread():
    """Sums are taken in the same order only with the same number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
