from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FAKE = Path(__file__).parents[2] / "benchmarks" / "fake_mimic.py"


@pytest.fixture(scope="session")
def fake_mimic() -> ModuleType:
    """The generator of tables in the shape of MIMIC, which benchmarks use too: `fake_mimic.write(folder, notes=…)`."""
    spec = importlib.util.spec_from_file_location("fake_mimic", FAKE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fake_mimic"] = module
    spec.loader.exec_module(module)
    return module
