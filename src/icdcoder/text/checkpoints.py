"""Where a pretrained model's folder is: a path, a name in the local Hugging Face cache, or a folder of an installed
package. Nothing is downloaded."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from icdcoder.core.errors import ConfigError

CONFIG = "config.json"


def checkpoint_folder(name: str | Path) -> Path:
    """The folder that holds the checkpoint's config.json.

    name: "path/to/folder"; or "owner/model", if an earlier download left it in the cache of Hugging Face; or
    "package/folder", for a model that came with a Python package. Raises ConfigError where there is none.
    """
    for folder in (Path(name), _packaged(str(name)), _cached(str(name))):
        if folder is not None and (folder / CONFIG).is_file():
            return folder
    if Path(name).is_dir():
        raise ConfigError(f"{name} holds no {CONFIG}; a checkpoint in the format of Hugging Face has one.")
    raise ConfigError(
        f"There is no checkpoint {str(name)!r}: no such folder, no installed package that brings it, and no such model "
        "in the cache of Hugging Face. icdcoder downloads none unasked; fetch it with: hf download NAME"
    )


def _packaged(name: str) -> Path | None:
    package, _, inner = name.replace("\\", "/").partition("/")
    if not package.isidentifier():
        return None
    try:
        found = find_spec(package)
    except (ImportError, ValueError):
        return None
    if found is None or not found.submodule_search_locations:
        return None
    return Path(next(iter(found.submodule_search_locations))) / inner


def _cached(name: str) -> Path | None:
    if name.count("/") > 1 or name.startswith(("/", ".")):
        return None
    try:
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(name, local_files_only=True))
    except (ImportError, ValueError, OSError):
        return None
