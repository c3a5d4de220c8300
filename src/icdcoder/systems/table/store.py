"""Compiled tables on disk: made once for a set of package versions, read in a few hundredths of a second after."""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from icdcoder.core.artefact import load_card, manifest, save_card, verify
from icdcoder.core.cache import atomic_folder, cache_folder, content_key
from icdcoder.core.errors import ArtefactError
from icdcoder.systems.table.columns import Columns, HeadingRow
from icdcoder.systems.table.contract import Heading

FORMAT = 2  # raise it with every change of what is written or of how a member builds its table
CARD, VALUES, DESCRIPTIONS, TREE, NOTES = "card.json", "values.txt", "descriptions.txt", "tree.bin", "notes.json"
ROW = 13  # bytes a code in TREE: three integers of four, and one for billable


def compiled(
    name: str, packages: tuple[str, ...], build: Callable[[], Columns], files: tuple[Path, ...] = ()
) -> Columns:
    """The table `name`, from the cache folder, or else from `build` and then kept there.

    packages: names of the distributions whose tables `build` reads; another version of one is another table.
    files: our own files that it reads; other contents make another table.
    A damaged table is built anew. Where the cache cannot be written, the table lives in memory only.
    """
    key = content_key(f"format {FORMAT}", *(f"{package} {version(package)}" for package in packages), *files)
    folder = cache_folder() / "systems" / f"{name}-{key}"
    try:
        if folder.exists():
            return read(folder)
    except (ArtefactError, OSError):
        pass
    columns = build()
    try:
        # Where another process was quicker, its table is as good and ours replaces it: a reader sees one or the other.
        with atomic_folder(folder, replace=True) as work:
            write(work, name, columns)
    except (ArtefactError, OSError):
        pass
    return columns


def write(folder: Path, name: str, columns: Columns) -> None:
    (folder / VALUES).write_text("\n".join(columns.values), encoding="utf-8", newline="\n")
    (folder / DESCRIPTIONS).write_text("\n".join(columns.descriptions), encoding="utf-8", newline="\n")
    tree = b"".join(_little_endian(numbers).tobytes() for numbers in (columns.parent, columns.end, columns.heading))
    (folder / TREE).write_bytes(tree + columns.billable)
    (folder / NOTES).write_text(json.dumps(columns.notes, ensure_ascii=False), encoding="utf-8")
    card = {
        "what": "code system table",
        "format": FORMAT,
        "name": name,
        "codes": len(columns),
        "headings": [_heading_to_json(row) for row in columns.headings],
        "files": manifest(folder, (VALUES, DESCRIPTIONS, TREE, NOTES)),
    }
    save_card(folder / CARD, card)


def read(folder: Path) -> Columns:
    """Raises ArtefactError where a file is missing or not as it was written."""
    card = load_card(folder / CARD, "a compiled code system", ("format", "codes", "headings", "files"))
    try:
        if card["format"] != FORMAT or set(card["files"]) != {VALUES, DESCRIPTIONS, TREE, NOTES}:
            raise ArtefactError(f"{folder / CARD} is damaged: it is not the card of a table of format {FORMAT}.")
        verify(folder, card["files"])
        headings = tuple(_heading_from_json(row) for row in card["headings"])
        return _columns(folder, card["codes"], headings)
    except (KeyError, TypeError, ValueError):
        raise ArtefactError(f"{folder / CARD} is damaged: it does not fit the files beside it.") from None


def _columns(folder: Path, count: int, headings: tuple[HeadingRow, ...]) -> Columns:
    values, descriptions = _lines(folder / VALUES), _lines(folder / DESCRIPTIONS)
    tree, notes = (folder / TREE).read_bytes(), (folder / NOTES).read_bytes()
    if not len(values) == len(descriptions) == count or len(tree) != count * ROW:
        raise ValueError("The columns are not of one length.")
    numbers = [array("i") for _ in range(3)]
    for i, column in enumerate(numbers):
        column.frombytes(tree[i * 4 * count : (i + 1) * 4 * count])
    parent, end, heading = map(_little_endian, numbers)
    # Notes are read now, since the folder may be gone later, and parsed only when they are wanted.
    return Columns(values, descriptions, parent, end, heading, tree[12 * count :], headings, lambda: json.loads(notes))


def _lines(path: Path) -> list[str]:
    return path.read_bytes().decode().split("\n")


def _little_endian(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers = array("i", numbers)
        numbers.byteswap()
    return numbers


def _heading_to_json(row: HeadingRow) -> dict[str, Any]:
    heading = row.heading
    return {"id": heading.id, "title": heading.title, "first": heading.first, "last": heading.last, "above": row.above}


def _heading_from_json(data: Mapping[str, Any]) -> HeadingRow:
    return HeadingRow(Heading(data["id"], data["title"], data["first"], data["last"]), data["above"])
