"""The answers so far, each written as soon as it is there, so that a kill costs one question."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from icdcoder.core.errors import ArtefactError


@dataclass(frozen=True, slots=True)
class Given:
    """One answer. question: sha256 of model and prompt, what makes it the same question. at: ISO time, UTC."""

    question: str
    code: str
    kind: str
    model: str
    at: str
    finished: bool
    answer: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.answer.encode("utf-8", "surrogatepass")).hexdigest()


class Answers:
    """A file with one answer a line. A last line that a kill cut short is taken away."""

    def __init__(self, path: Path) -> None:
        """Raises ArtefactError where the file is no such file or cannot be written."""
        self._path = path
        self._given: dict[str, Given] = {}
        try:
            body = path.read_bytes() if path.exists() else b""
            whole = body[: body.rfind(b"\n") + 1]
            for number, line in enumerate(whole.splitlines(), start=1):
                self._add(_read(line, path, number))
            if whole != body:
                with path.open("r+b") as file:
                    file.truncate(len(whole))
        except OSError as error:
            raise ArtefactError(f"{path} cannot be read: {error.strerror}.") from None

    def get(self, question: str) -> Given | None:
        return self._given.get(question)

    def append(self, given: Given) -> None:
        try:
            with self._path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(json.dumps(asdict(given)) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ArtefactError(f"{self._path} cannot be written: {error.strerror}.") from None
        self._add(given)

    def _add(self, given: Given) -> None:
        self._given[given.question] = given


def _read(line: bytes, path: Path, number: int) -> Given:
    try:
        return Given(**json.loads(line))
    except (ValueError, TypeError):
        raise ArtefactError(
            f"{path}, line {number}, is not an answer written by icdcoder; move the file away to begin anew."
        ) from None
