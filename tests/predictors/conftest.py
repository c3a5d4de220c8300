from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def causal_models() -> ModuleType:
    pytest.importorskip("transformers", reason="needs the extra [llm]")
    spec = importlib.util.spec_from_file_location(
        "causal_models", Path(__file__).parent / "asking" / "causal_models.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
