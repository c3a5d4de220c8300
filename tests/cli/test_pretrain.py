"""icdcoder pretrain and the claims of icdcoder reproduce, in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("transformers", reason="needs the extra [llm]")

SECRET = "zanthorax"


def icdcoder(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "icdcoder.cli", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1"},
        check=False,
    )


def test_pretrain_prints_the_folder_and_no_word_of_the_texts(tmp_path: Path) -> None:
    rows = [{"text": f"Patient {i} has {SECRET} and chest pain. " * 4} for i in range(40)]
    (tmp_path / "notes.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    (tmp_path / "small.toml").write_text(
        'validation = 0.2\ntexts = [{ kind = "jsonl", path = "notes.jsonl" }]\n'
        '[model]\nkind = "llama"\nhidden = 8\nlayers = 1\nheads = 2\ncontext = 16\nvocabulary = 300\n',
        encoding="utf-8",
    )
    done = icdcoder("pretrain", "small.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / done.stdout.strip()
    assert (folder / "model.safetensors").is_file()
    assert "by frequencies alone" in done.stderr
    assert SECRET not in done.stderr
    logs = [path for path in tmp_path.rglob("*") if path.suffix in (".json", ".jsonl", ".toml") and path.is_file()]
    logs = [path for path in logs if path.name not in ("notes.jsonl", "tokenizer.json")]
    assert logs
    assert not any(SECRET in path.read_text(encoding="utf-8") for path in logs)


def test_a_missing_configuration_is_a_sentence(tmp_path: Path) -> None:
    done = icdcoder("pretrain", "none.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "There is no configuration file none.toml" in done.stderr


def test_claims_are_listed_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    listed = icdcoder("reproduce", cwd=tmp_path).stdout
    assert "paper1-claims" in listed
    assert "paper3-claims" in listed
    assert "paper2-table4" in listed
    done = icdcoder("reproduce", "paper3-claims", "--corpus", "synthetic", "--system", "clam", cwd=tmp_path)
    assert "Did you mean 'claim'" in done.stderr
    done = icdcoder("reproduce", "paper1-claims", "--corpus", "synthetic", "--system", "z", cwd=tmp_path)
    assert done.returncode == 2
    assert "There is no claim 'z'" in done.stderr
