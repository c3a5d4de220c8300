"""What all tests share: a cache folder of their own, one thread a process, and checked shapes.

In the tests, and only there, the shapes in the signatures of networks are checked at every call.
"""

from __future__ import annotations

import os
from pathlib import Path

# Compiled tables are kept from run to run, apart from the user's own; they are keyed by content.
os.environ["ICDCODER_CACHE"] = str(Path(__file__).parent.parent / "build" / "test-cache")
# Tests run in several processes: threads that wait for each other would make each many times slower.
os.environ["OMP_NUM_THREADS"] = "1"

from jaxtyping import install_import_hook

from icdcoder.core import components

# `scoring` is left out: it takes protocols that cannot be checked at run time, and no tensors.
NETWORKS = [f"icdcoder.nn.{name}" for name in components.names("nn") if name != "scoring"]
# Kept for the whole run, so that modules which a test imports later are checked too.
SHAPE_CHECKS = install_import_hook([*NETWORKS, "icdcoder.models"], "beartype.beartype")
