"""The fixture `serve`, which several folders of tests use."""

from __future__ import annotations

import importlib.util
from pathlib import Path

PLACE = Path(__file__).parents[2] / "endpoint_server.py"
SPEC = importlib.util.spec_from_file_location("endpoint_server", PLACE)
assert SPEC is not None
assert SPEC.loader is not None
_module = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(_module)
serve = _module.serve
