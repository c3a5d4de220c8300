"""In the tests, and only there, the shapes in the signatures of networks are checked at every call."""

from __future__ import annotations

from jaxtyping import install_import_hook

from icdcoder.core import components

# `scoring` is left out: it takes protocols that cannot be checked at run time, and no tensors.
NETWORKS = [f"icdcoder.nn.{name}" for name in components.names("nn") if name != "scoring"]
# Kept for the whole run, so that modules which a test imports later are checked too.
SHAPE_CHECKS = install_import_hook([*NETWORKS, "icdcoder.models"], "beartype.beartype")
