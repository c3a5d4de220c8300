"""icdcoder: a clinical note in; the ICD codes it supports out, each with a score and the words that are its evidence.

from icdcoder import Coder
prediction = Coder.builtin().code("Admitted with community-acquired pneumonia. History of hypertension.")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from icdcoder.core.version import VERSION as __version__  # noqa: N811

if TYPE_CHECKING:
    from icdcoder.coder import Coder as Coder
    from icdcoder.core.code import Code as Code
    from icdcoder.core.note import Note as Note
    from icdcoder.core.prediction import Prediction as Prediction
    from icdcoder.experiment.flow import run as run

__all__ = ["Code", "Coder", "Note", "Prediction", "__version__", "run"]

_HOMES = {
    "Coder": "icdcoder.coder",
    "Code": "icdcoder.core.code",
    "Note": "icdcoder.core.note",
    "Prediction": "icdcoder.core.prediction",
    "run": "icdcoder.experiment.flow",
}


def __getattr__(name: str) -> Any:
    # Importing icdcoder imports nothing else; a name is fetched when it is first used.
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module 'icdcoder' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
