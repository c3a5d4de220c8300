"""What every folder that icdcoder writes has in common: a list of its files with sizes and hashes, checked on load."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from icdcoder.core.cache import write_atomic
from icdcoder.core.errors import ArtefactError


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def manifest(folder: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """{file name: {"size": bytes, "sha256": …}} of files in `folder`."""
    return {name: {"size": (folder / name).stat().st_size, "sha256": sha256(folder / name)} for name in sorted(names)}


def verify(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises ArtefactError with both sides where a file is missing or is not the one that was written."""
    for name, said in files.items():
        path = folder / name
        if not path.is_file():
            raise ArtefactError(f"{folder} is incomplete: {name} is missing.")
        size = path.stat().st_size
        if size != said["size"]:
            raise ArtefactError(f"{path} is damaged: it has {size} bytes, {said['size']} were written.")
        found = sha256(path)
        if found != said["sha256"]:
            raise ArtefactError(f"{path} is damaged: its sha256 is {found[:12]}…, {said['sha256'][:12]}… was written.")


def save_card(path: Path, card: Mapping[str, Any]) -> None:
    write_atomic(path, json.dumps(card, indent=2, ensure_ascii=False) + "\n")


def load_card(path: Path, what: str, needed: Iterable[str] = ()) -> dict[str, Any]:
    """Reads the JSON file that describes an artefact. `what` says what the user thought it was ("a coder")."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ArtefactError(f"{path.parent} is not {what}: it has no {path.name}.") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ArtefactError(f"{path} is damaged: it is not JSON.") from None
    missing = [key for key in needed if not isinstance(card, dict) or key not in card]
    if missing:
        raise ArtefactError(f"{path} is damaged: it lacks {', '.join(missing)}.")
    return card
