"""What all tests share: a cache folder of their own, one thread a process, and checked shapes.

In the tests, and only there, the shapes in the signatures of networks are checked at every call.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

# Compiled tables are kept from run to run, apart from the user's own; they are keyed by content.
os.environ["ICDCODER_CACHE"] = str(Path(__file__).parent.parent / "build" / "test-cache")
# Tests run in several processes: threads that wait for each other would make each many times slower.
os.environ["OMP_NUM_THREADS"] = "1"

import pytest
from jaxtyping import install_import_hook

from icdcoder.core import components

# `scoring` is left out: it takes protocols that cannot be checked at run time, and no tensors.
NETWORKS = [f"icdcoder.nn.{name}" for name in components.names("nn") if name != "scoring"]
# Kept for the whole run, so that modules which a test imports later are checked too.
SHAPE_CHECKS = install_import_hook([*NETWORKS, "icdcoder.models"], "beartype.beartype")


@pytest.fixture(scope="session")
def tiny_models() -> ModuleType:
    """tests/tiny_models.py: BERT, LLaMA, RoBERTa and T5 in a few thousand weights, with tokenizers of their own."""
    pytest.importorskip("transformers", reason="needs the extra [llm]")
    spec = importlib.util.spec_from_file_location("tiny_models", Path(__file__).parent / "tiny_models.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def checkpoints(tiny_models: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of each tiny model, as Hugging Face writes them."""
    folder = tmp_path_factory.mktemp("checkpoints")
    return {kind: tiny_models.save(kind, folder / kind) for kind in tiny_models.KINDS}
