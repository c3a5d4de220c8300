from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from icdcoder.core.errors import ArtefactError
from icdcoder.train.journal import Journal, read


def test_lines_are_added_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    for step in range(3):
        Journal(path).append(step=step, kind="interval", validation={"micro_f1": 0.5})
    assert read(path) == [{"step": s, "kind": "interval", "validation": {"micro_f1": 0.5}} for s in range(3)]


def test_numbers_that_json_lacks_become_null(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    Journal(path).append(loss=math.inf, validation={"auc": math.nan, "f1": 1.0})
    assert json.loads(path.read_text(), parse_constant=pytest.fail) == {
        "loss": None,
        "validation": {"auc": None, "f1": 1.0},
    }


def test_a_cut_drops_what_came_later_and_a_half_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "metrics.jsonl")
    assert journal.size() == 0
    journal.cut(10)
    journal.append(step=1)
    size = journal.size()
    journal.append(step=2)
    with journal.path.open("a") as file:
        file.write('{"step": 3, "lo')
    assert [line["step"] for line in read(journal.path)] == [1, 2]
    journal.cut(10**9)
    assert [line["step"] for line in read(journal.path)] == [1, 2]
    journal.append(step=4)
    assert [line["step"] for line in read(journal.path)] == [1, 2, 4]
    journal.cut(size)
    assert [line["step"] for line in read(journal.path)] == [1]
    journal.cut(size - 3)
    assert read(journal.path) == []


def test_a_missing_or_damaged_journal_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="There is no journal"):
        read(tmp_path / "none.jsonl")
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\nnonsense\n{"step": 2}\n')
    with pytest.raises(ArtefactError, match="line 2 is not JSON"):
        read(path)
    with pytest.raises(ArtefactError, match="cannot be written"):
        Journal(tmp_path / "nowhere" / "metrics.jsonl").append(step=1)
