from __future__ import annotations

from pathlib import Path

import pytest

from icdcoder.cli.mistakes import show_errors
from icdcoder.core.errors import ConfigError
from icdcoder.measure.errors import KINDS

CONFIG = 'name = "small"\n[corpus]\nkind = "synthetic"\ndocuments = 20\n[model]\nkind = "caml"\n'


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return str(path)


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_mistakes_are_counted_and_no_text_is_shown_unasked(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_errors(config, (), "builtin", "icd9cm", "train", 0)
    lines = shown(capsys)
    assert "codes right" in lines[0]
    assert [line.rsplit(maxsplit=1)[0].strip() for line in lines[2:]] == list(KINDS)
    assert not any("…" in line for line in lines)


def test_examples_come_with_the_words_of_the_note(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_errors(config, (), "builtin", "icd9cm", "train", 2)
    examples = [line for line in shown(capsys) if line.startswith("added  ") and "…" in line]
    assert 0 < len(examples) <= 2
    assert any("…" in line for line in examples)


def test_an_unknown_part_is_refused(config: str) -> None:
    with pytest.raises(ConfigError, match="train, validation, test"):
        show_errors(config, (), "builtin", "icd9cm", "dev", 0)
