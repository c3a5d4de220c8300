"""What the command sets before it does anything."""

from __future__ import annotations

import os

import pytest

from icdcoder import cli
from icdcoder.cli import app


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("HF_HUB_OFFLINE", "GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(app, "run", lambda: None)
    return monkeypatch


def test_no_library_may_look_for_files_on_a_hub(started: pytest.MonkeyPatch) -> None:
    cli.main()
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_what_the_user_chose_stays(started: pytest.MonkeyPatch) -> None:
    started.setenv("HF_HUB_OFFLINE", "0")
    started.setenv("OMP_WAIT_POLICY", "ACTIVE")
    cli.main()
    assert os.environ["HF_HUB_OFFLINE"] == "0"
    assert "GOMP_SPINCOUNT" not in os.environ
