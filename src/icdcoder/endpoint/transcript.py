"""Prompts and answers in a file, and answers from such a file.

Prompts hold what was asked about, so patient text where notes are coded: nothing is recorded unless the user names
the file, and only its owner may read it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from icdcoder.core.errors import InputError
from icdcoder.endpoint.chat import Answer, Chat, EndpointError, Message


def prompt_key(model: str, messages: Sequence[Message]) -> str:
    """The name of a prompt to a model: the same messages have the same."""
    body = json.dumps([model, [dict(message) for message in messages]], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


class Recorder:
    """A `Chat` that appends each prompt and answer of another to a file, one JSON object a line."""

    def __init__(self, chat: Chat, path: Path) -> None:
        self._chat = chat
        self._path = path
        self._open().close()  # a file that cannot be written is told before anything is asked

    @property
    def model(self) -> str:
        return self._chat.model

    def ask(self, messages: Sequence[Message]) -> Answer:
        answer = self._chat.ask(messages)
        row = {
            "key": prompt_key(self.model, messages),
            "model": self.model,
            "messages": [dict(message) for message in messages],
            "answer": answer.text,
            "finished": answer.finished,
        }
        with self._open() as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        return answer

    def _open(self):
        try:
            number = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.fchmod(number, 0o600)  # the file may have been there for all to read
        except OSError as error:
            raise InputError(f"{self._path} cannot be written: {error.strerror}.") from None
        return open(number, "a", encoding="utf-8", errors="surrogatepass")  # noqa: PTH123 (of a file's number)


class Replay:
    """A `Chat` that answers from a recorded file and asks nobody. Of a prompt recorded twice, the last counts."""

    def __init__(self, model: str, path: Path) -> None:
        """Raises InputError that names the line where the file is not a record."""
        self._model = model
        self._path = path
        self._answers = {str(row["key"]): Answer(str(row["answer"]), bool(row["finished"])) for row in _rows(path)}

    @property
    def model(self) -> str:
        return self._model

    def ask(self, messages: Sequence[Message]) -> Answer:
        try:
            return self._answers[prompt_key(self._model, messages)]
        except KeyError:
            raise EndpointError(
                f"{self._path} holds no answer to this prompt: another note, model or prompt was recorded.",
                of_prompt=True,
            ) from None


def _rows(path: Path) -> list[dict[str, object]]:
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogatepass").split("\n")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not {"key", "answer", "finished"} <= row.keys():
                raise ValueError
        except (ValueError, AttributeError):
            raise InputError(f"{path}, line {number}, is not a recorded answer.") from None
        rows.append(row)
    return rows
