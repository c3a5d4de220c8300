"""Finding components: the file's name is the component's name (a folder beside it holds parts, not components).

Folders are listed cheaply; a member is imported only when asked for; other packages add members through an
entry-point group "icdcoder.<folder>".
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from icdcoder.core.errors import ConfigError, MissingExtraError, did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

# The folders whose members a configuration can name.
FOLDERS = ("systems", "corpora", "models", "predictors", "explain", "decide")
# Which extra brings a library that a component may import.
EXTRA_OF = {
    "torch": "train",
    "accelerate": "train",
    "safetensors": "train",
    "jaxtyping": "train",
    "transformers": "llm",
    "tokenizers": "llm",
    "peft": "llm",
    "bitsandbytes": "quant",
    "fastapi": "serve",
    "uvicorn": "serve",
    "httpx2": "endpoint",
    "duckdb": "scale",
    "pyarrow": "scale",
    "gensim": "words",
    "snowballstemmer": "words",
    "sklearn": "words",
    "scipy": "words",
}


def names(folder: str) -> list[str]:
    """Names of the members of a folder ("models", "text.readers", …), sorted; nothing is imported but the folder."""
    here = _place(folder)
    own = [p.stem for p in here.glob("*.py") if not p.stem.startswith("_")]
    return sorted({*own, *_added(folder)})


def load(folder: str, kind: str) -> ModuleType:
    """The module of one member. Raises ConfigError (did you mean …) or MissingExtraError."""
    own = _place(folder) / f"{kind}.py"
    if kind.isidentifier() and not kind.startswith("_") and own.is_file():
        with extra_named(f"{folder}/{kind}"):
            return importlib.import_module(f"icdcoder.{folder}.{kind}")
    point = _added(folder).get(kind)
    if point is None:
        known = names(folder)
        raise ConfigError(f"There is no {kind!r} in {folder}.{did_you_mean(kind, known)} Known: {', '.join(known)}.")
    with extra_named(f"{folder}/{kind}"):
        return point.load()


def _place(folder: str) -> Path:
    return Path(__file__).parent.parent.joinpath(*folder.split("."))


@cache
def _added(folder: str) -> dict[str, EntryPoint]:
    """Components of other packages. Looking them up costs more than most commands: it is done when needed, once."""
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=f"icdcoder.{folder}")}


class extra_named:  # noqa: N801 (reads as a statement: with extra_named("train"): …)
    """Turns the ImportError of a library that an extra brings into a sentence that names the extra."""

    def __init__(self, needed_by: str) -> None:
        self.needed_by = needed_by

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ModuleNotFoundError) and error.name:
            extra = EXTRA_OF.get(error.name.partition(".")[0])
            if extra:
                raise MissingExtraError(extra, self.needed_by) from None
