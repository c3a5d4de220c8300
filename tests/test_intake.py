from __future__ import annotations

import io
import json
from pathlib import Path

import polars as pl
import pytest

from icdcoder.core.errors import InputError
from icdcoder.core.note import Note
from icdcoder.intake import Columns, Refusal, read_notes, require_sources


def reasons(items: list[Note | Refusal]) -> list[str]:
    return [str(item) for item in items if isinstance(item, Refusal)]


def test_a_text_file_keeps_every_character(tmp_path: Path) -> None:
    text = "\ufeffFiebre\r\n\tdolor – 38 °C 🫀\r\n"
    path = tmp_path / "nota.txt"
    path.write_bytes(text.encode())
    assert list(read_notes([str(path)])) == [Note("nota", text)]


def test_a_broken_line_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "n.jsonl"
    path.write_text(
        '{"id": 1, "text": "a"}\n{"id": 2, "text": \n\n{"id": 3}\n[]\n{"id": 4, "text": 5}\n{"id": 5, "text": "b"}\n'
    )
    items = list(read_notes([str(path)]))
    assert [i for i in items if isinstance(i, Note)] == [Note("1", "a"), Note("5", "b")]
    assert [r.split("n.jsonl, ")[1] for r in reasons(items)] == [
        "line 2: is not JSON.",
        "line 4: has no 'text'.",
        "line 5: has no 'id'.",
        "line 6: its 'text' is not text.",
    ]


def test_the_second_note_of_an_id_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text('{"id": "x", "text": "one"}\n')
    items = list(read_notes([str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]))
    assert isinstance(items[0], Note)
    assert "'x' was used before" in str(items[1])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_tables(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"n.{suffix}"
    frame = pl.DataFrame({"HADM_ID": ["007", "008"], "TEXT": ['one\nwith "quotes", and lines', "two"]})
    frame.write_csv(path) if suffix == "csv" else frame.write_parquet(path)
    items = list(read_notes([str(path)], Columns("HADM_ID", "TEXT")))
    assert items == [Note("007", 'one\nwith "quotes", and lines'), Note("008", "two")]
    assert "has no column 'id'; it has: HADM_ID, TEXT" in reasons(list(read_notes([str(path)])))[0]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_that_is_none(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"n.{suffix}"
    path.write_bytes(b"PAR1\x00\xff")
    assert len(reasons(list(read_notes([str(path)])))) == 1


def test_binary_foreign_and_absent_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"ab\x00c")
    (tmp_path / "b.txt").write_bytes("é".encode("latin-1"))
    (tmp_path / "c.txt").write_bytes("Cough".encode("utf-16"))
    names = [str(tmp_path / name) for name in ("a.txt", "b.txt", "c.txt", "none.txt", "")]
    found = reasons(list(read_notes(names)))
    said = ["binary", "not UTF-8 text (byte 0)", "UTF-16", "no such file", "is a folder"]
    for reason, words in zip(found, said, strict=True):
        assert words in reason


def test_standard_input() -> None:
    lines = "\n".join(json.dumps({"id": i, "text": f"t{i}"}) for i in range(3)).encode()
    assert len(list(read_notes(["-"], stdin=io.BytesIO(lines)))) == 3
    assert list(read_notes(["-"], stdin=io.BytesIO(b"Cough and fever"))) == [Note("stdin", "Cough and fever")]
    assert list(read_notes(["-"], stdin=io.BytesIO(b"{not json} but a note"))) == [
        Note("stdin", "{not json} but a note")
    ]


def test_a_reason_never_holds_patient_text(tmp_path: Path) -> None:
    secret = "Zebulon"
    path = tmp_path / "n.jsonl"
    path.write_text(f'{{"id": 1, "text": "{secret}\n{{"id": 2, "text": ["{secret}"]}}\n')
    assert all(secret not in reason for reason in reasons(list(read_notes([str(path)]))))


def test_nothing_to_read_is_a_sentence() -> None:
    with pytest.raises(InputError):
        require_sources([])
