"""Words numbered by several processes: the same folder whatever their number, and nothing left where one fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from icdcoder.core.errors import ArtefactError
from icdcoder.experiment import documents, draft_share, shares
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.draft_process import DraftProcess
from icdcoder.experiment.draft_share import DraftShare
from icdcoder.experiment.prepare import prepare
from icdcoder.experiment.shares import Shares
from icdcoder.text.word_numbers import WordNumbers

NUMBERS = partial(WordNumbers, "caml")
NOTES = 90


def corpus(folder: Path) -> Path:
    """Patients whose notes share some words; words of the test part are in no other."""
    rows = ["id,patient,split,text,codes"]
    for i in range(NOTES):
        split = ("train", "train", "validation", "test")[i % 4]
        text = " ".join(f"{split[:2]}w{i % 7} word{i * j % 13} café {j}" for j in range(1 + i % 5))
        rows.append(f"n{i},p{i},{split},{text},{'' if i % 9 == 8 else 'I10'}")
    path = folder / "notes.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def asked(folder: Path, name: str, **text: Any) -> Experiment:
    table = {"kind": "table", "path": str(folder / "notes.csv"), "system": "icd10cm"}
    return Experiment.resolve(
        {
            "name": name,
            "runs": str(folder / "runs"),
            "corpus": table,
            "model": {"kind": "caml"},
            "text": {"min_documents": 2, **text},
        }
    )


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes every corpus a large one, of chunks of a few notes; returns how to say by how many processes."""
    corpus(tmp_path)
    begin = Shares._begin

    def there(self: Shares) -> None:
        begin(self)
        for share in self._shares:
            if share.started is not None:
                share.started.exception()

    monkeypatch.setattr(shares, "WORTH_IT", 200)
    monkeypatch.setattr(documents, "CHARACTERS", 100)
    monkeypatch.setattr(draft_share, "CHUNK", 30)
    monkeypatch.setattr(Shares, "_begin", there)
    return lambda count: monkeypatch.setattr(shares, "processes", lambda: count)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("text", [{}, {"max_tokens": 4}, {"vocabulary_parts": "all", "rule": "laat"}])
def test_the_folder_does_not_depend_on_how_many_number_words(
    tmp_path: Path, shared: Any, monkeypatch: pytest.MonkeyPatch, text: dict[str, Any]
) -> None:
    used: list[int] = []
    learn = Shares.learn

    def noted(self: Shares, *given: Any) -> Any:
        used.append(len([share for share in self._shares if share.chunks]))
        return learn(self, *given)

    monkeypatch.setattr(Shares, "learn", noted)
    made = []
    for count in range(4):
        shared(count)
        made.append(files(prepare(asked(tmp_path, f"by{count}", **text)).documents._path.parent))
    assert used == [1, 2, 3, 4]
    assert made[0] == made[1] == made[2] == made[3]
    assert set(made[0]) == {"card.json", "documents.parquet", "space.json", "tokens.npy", "vocabulary.txt"}


def test_a_process_that_is_killed_is_told_and_leaves_nothing(
    tmp_path: Path, shared: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared(2)
    count = DraftProcess.count

    def killed(self: DraftProcess, texts: Any) -> Any:
        os.kill(self._process.pid, signal.SIGKILL)
        return count(self, texts)

    monkeypatch.setattr(DraftProcess, "count", killed)
    one = asked(tmp_path, "killed")
    with pytest.raises(ArtefactError, match="SIGKILL before its work was done") as raised:
        prepare(one)
    assert "word" not in str(raised.value).replace("numbers words", "")
    assert list(one.folder.iterdir()) == []


def test_where_no_process_can_begin_this_one_does_the_work(
    tmp_path: Path, shared: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared(0)
    wanted = files(prepare(asked(tmp_path, "alone")).documents._path.parent)
    shared(2)
    for program in ("/bin/false", str(tmp_path / "none")):
        monkeypatch.setattr(sys, "executable", program)
        assert files(prepare(asked(tmp_path, Path(program).name)).documents._path.parent) == wanted


def test_a_small_corpus_begins_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def begun(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(shares, "processes", begun)
    corpus(tmp_path)
    assert len(prepare(asked(tmp_path, "small")).tokens) > 50


def test_one_core_has_none_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, wanted in ((1, 0), (2, 2), (3, 3), (64, shares.MOST)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, n=cores: set(range(n)), raising=False)
        assert shares.processes() == wanted
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert shares.processes() == 0


def test_it_begins_at_once_where_the_corpus_is_known_to_be_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Shares] = []

    def begin(self: Shares) -> None:
        begun.append(self)

    monkeypatch.setattr(Shares, "_begin", begin)
    experiment = asked(tmp_path, "large")
    from icdcoder.text import reader

    learner = reader.learner(experiment.text, experiment.reader)
    for expected in (0, shares.LARGE - 1, shares.LARGE):
        Shares(tmp_path, learner, expected).close()
    assert len(begun) == 1


def test_a_process_does_as_a_share_here_does(tmp_path: Path) -> None:
    texts = ["Pain in the chest", "chest pain 500 mg", "no café"]
    here, there = DraftShare(tmp_path / "here", NUMBERS), DraftProcess(tmp_path / "there", NUMBERS)
    try:
        there.start()
        os.kill(there._process.pid, signal.SIGINT)  # as at the keyboard
        assert there.count(texts).tolist() == here.count(texts).tolist() == [4, 3, 2]
        training, kept = np.array([True, False, True]), np.array([True, True, True])
        for one, other in zip(_values(here, training, kept), _values(there, training, kept), strict=True):
            assert one == other
        assert (tmp_path / "here").read_bytes() == (tmp_path / "there").read_bytes()
    finally:
        there.close()
        here.close()
    assert there._process.returncode is not None


def _values(share: DraftShare | DraftProcess, training: Any, kept: Any) -> list[Any]:
    found = share.learn(training, kept, False)
    return [found.names, found.documents.tolist(), found.in_training.tolist(), found.kept.tolist()]


def test_what_goes_wrong_in_a_process_is_said_without_its_texts(tmp_path: Path) -> None:
    missing, process = DraftProcess(tmp_path / "no" / "such", NUMBERS), DraftProcess(tmp_path / "file", NUMBERS)
    try:
        with pytest.raises(FileNotFoundError):
            missing.start()
        process.start()
        with pytest.raises(ArtefactError, match=r"\(\w+Error in \w+\.py, line \d+\)") as raised:
            process.count(["secret", b"secret"])  # type: ignore[list-item]
        assert "secret" not in str(raised.value)
        assert process.count(["and on"]).tolist() == [2]
        process.end()
        with pytest.raises(ArtefactError, match="was ended by SIGKILL"):
            process.count(["secret"])
    finally:
        missing.close()
        process.close()


ORPHAN = """
import signal, sys, time
from functools import partial
from pathlib import Path
from icdcoder.experiment.draft_process import DraftProcess
from icdcoder.text.word_numbers import WordNumbers

# A test that was started in the background of a shell inherits that it ignores interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
process = DraftProcess(Path(sys.argv[1]), partial(WordNumbers, "caml"))
process.start()
print(process._process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_it_does_not_outlive_the_one_that_began_it(tmp_path: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-c", ORPHAN, str(tmp_path / "file")]
    caller = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    assert caller.stdout is not None
    worker = int(caller.stdout.readline())
    os.killpg(caller.pid, how) if how == signal.SIGINT else caller.send_signal(how)
    said = caller.communicate(timeout=20)[1]
    end = time.monotonic() + 20
    while _lives(worker) and time.monotonic() < end:
        time.sleep(0.02)
    assert not _lives(worker)
    assert said.count(b"Traceback") == (how == signal.SIGINT)  # that of the caller


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
