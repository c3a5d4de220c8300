"""The fixture `serve`: starts scripted servers for one test and ends them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "scripted_server.py"


class Server:
    def __init__(self, script: list[dict], log: Path) -> None:
        self._log = log
        command = [sys.executable, str(PROGRAM), json.dumps(script), str(log)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}/v1"

    @property
    def requests(self) -> list[dict]:
        return [json.loads(line) for line in self._log.read_text().splitlines()] if self._log.exists() else []

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(*script: dict) -> Server:
        started.append(Server(list(script), tmp_path / f"requests{len(started)}.jsonl"))
        return started[-1]

    yield start
    for server in started:
        server.stop()
