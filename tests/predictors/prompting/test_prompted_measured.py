"""`icdcoder evaluate --coder mine.toml`: what a model failed to say stands beside the measures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from icdcoder.coder import Coder
from icdcoder.core.answering import FaultCountingCoder
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.measuring import measure_coder
from icdcoder.experiment.prepare import prepare

CORPUS = """runs = "runs"
corpus = {kind = "synthetic", documents = 60, codes = 5}
text = {min_documents = 1}
model = {kind = "caml"}
"""
PROSE = {"text": "The patient is quite ill."}


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(CORPUS)
    found = Experiment.load(Path("small.toml"))
    prepare(found)
    return found


def written(url: str) -> Path:
    path = Path("mine.toml")
    path.write_text(f'predictor = "prompted"\n[endpoint]\nurl = "{url}"\nmodel = "tiny"\nattempts = 1\npause = 0\n')
    return path


def test_what_went_wrong_is_measured(serve, asked: Experiment) -> None:
    unsupported = '[{"code": "I10", "evidence": "nowhere"}, {"code": "Z99.999", "evidence": "x"}]'
    server = serve(PROSE, {"text": unsupported, "reason": "length"}, {"status": 500})
    coder = Coder.load(written(server.url))
    assert isinstance(coder.predictor, FaultCountingCoder)
    found, warnings = measure_coder(asked, coder)
    notes = int(found["notes"])
    assert warnings == (f"{notes - 2} of {notes} notes were not answered and are measured as notes without codes.",)
    assert found["micro_f1"] == 0
    assert (found["answers_prose"], found["answers_cut"]) == (1, 1)
    assert (found["answers_unsupported"], found["answers_outside_system"]) == (1, 1)
    assert found["notes_unanswered"] == found["notes"] - 2


def test_the_command_prints_it(serve, asked: Experiment) -> None:
    command = [
        sys.executable,
        "-m",
        "icdcoder.cli",
        "evaluate",
        "small.toml",
        "--coder",
        str(written(serve(PROSE).url)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = {row.split()[0]: row.split()[1] for row in done.stdout.splitlines() if len(row.split()) > 1}
    assert rows["answers_prose"] == rows["notes"] != "0"
    assert rows["answers_cut"] == "0"
