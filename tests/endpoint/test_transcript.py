"""What was recorded is answered again, and nothing else."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from icdcoder.core.errors import InputError
from icdcoder.endpoint.chat import Answer, EndpointError, Message
from icdcoder.endpoint.transcript import Recorder, Replay


class Echo:
    model = "echo"

    def ask(self, messages: Sequence[Message]) -> Answer:
        return Answer(messages[-1]["content"].upper(), finished=False)


def prompt(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def test_recorded_and_replayed(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.touch(0o644)
    recorder = Recorder(Echo(), path)
    texts = ["fever ✓", "line\nend", "\ud800"]
    for text in texts:
        recorder.ask(prompt(text))
    replay = Replay("echo", path)
    assert [replay.ask(prompt(text)) for text in texts] == [Answer(text.upper(), False) for text in texts]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(EndpointError, match="no answer to this prompt") as error:
        replay.ask(prompt("canary"))
    assert "canary" not in str(error.value)
    with pytest.raises(EndpointError):
        Replay("other", path).ask(prompt("fever ✓"))


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        Recorder(Echo(), tmp_path / "none" / "answers.jsonl")
    with pytest.raises(InputError, match="cannot be read"):
        Replay("echo", tmp_path / "none.jsonl")
    (tmp_path / "x.jsonl").write_text('{"key": "a", "answer": "b", "finished": true}\n{"key": \n')
    with pytest.raises(InputError, match="line 2"):
        Replay("echo", tmp_path / "x.jsonl")
