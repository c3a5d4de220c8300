"""The journal of a run, `metrics.jsonl`: one JSON object a line, added at the end, never changed.

Lines hold numbers and names of measures only. kind "start": the machine; "interval": the training loss since the
line before; "untrained" and "epoch": the validation measures, and the loss of the epoch.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from icdcoder.core.errors import ArtefactError


class Journal:
    """Appends to one file, which is opened for each line so that none waits in a buffer when the process is killed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, **fields: Any) -> None:
        """Adds a line. A number that is not finite becomes null, as JSON has none. Raises ArtefactError."""
        line = json.dumps(_finite(fields), ensure_ascii=False, allow_nan=False)
        try:
            with self.path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(line + "\n")
        except OSError as error:
            raise ArtefactError(f"{self.path} cannot be written: {error.strerror}.") from None

    def size(self) -> int:
        """Bytes that are safely on the disk now."""
        try:
            with self.path.open("rb") as file:
                os.fsync(file.fileno())
                return os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            return 0

    def cut(self, size: int) -> None:
        """Drops what was written after the journal had `size` bytes, and a line that was left half."""
        if not self.path.exists():
            return
        with self.path.open("r+b") as file:
            kept = file.read(size)
            file.truncate(kept.rfind(b"\n") + 1)


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a journal in order; a last line that a kill left half is passed over. Raises ArtefactError."""
    try:
        *lines, _half = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise ArtefactError(f"There is no journal {path}.") from None
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            raise ArtefactError(f"{path} is damaged: line {number} is not JSON.") from None
    return records


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
