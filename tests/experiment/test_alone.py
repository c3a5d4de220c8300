"""A process of its own ends with the process that asked for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from icdcoder.experiment.alone import called_alone

SCRIPT = """
import os, sys, time
from pathlib import Path
from icdcoder.experiment.alone import called_alone

def work(file):
    Path(file).write_text(str(os.getpid()))
    time.sleep(60)

if __name__ == "__main__":
    called_alone(work, sys.argv[1])
"""


def _lives(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_result_and_error_come_back() -> None:
    assert called_alone(divmod, 7, 2) == (3, 1)
    assert called_alone(os.getpid) != os.getpid()
    with pytest.raises(ZeroDivisionError):
        called_alone(divmod, 1, 0)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
@pytest.mark.parametrize("how", ["terminate", "kill"])
def test_it_does_not_outlive_its_caller(tmp_path: Path, how: str) -> None:
    script, told = tmp_path / "caller.py", tmp_path / "process"
    script.write_text(SCRIPT, encoding="utf-8")
    caller = subprocess.Popen([sys.executable, str(script), str(told)])
    end = time.monotonic() + 60
    while not (told.exists() and told.read_text(encoding="utf-8")) and time.monotonic() < end:
        time.sleep(0.05)
    worker = int(told.read_text(encoding="utf-8"))
    assert _lives(worker)
    getattr(caller, how)()
    caller.wait(20)
    while _lives(worker) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _lives(worker)
