"""The command as a person runs it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

NOTE = "Pneumonia and hypertension.\r\n\tNo evidence of pulmonary embolism. Mother has diabetes. Café au lait.\r\n"


@pytest.fixture(scope="session")
def warm_cache() -> dict[str, str]:
    """The environment of the command; the cache folder is that of the tests."""
    return {**os.environ, "NO_COLOR": "1", "COLUMNS": "150"}


def icdcoder(
    *arguments: str, env: dict[str, str], stdin: str | bytes = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [sys.executable, "-m", "icdcoder.cli", *arguments],
        input=data,
        capture_output=True,
        env=env,
        cwd=cwd,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_help_names_every_command(warm_cache: dict[str, str]) -> None:
    done = icdcoder("--help", env=warm_cache)
    assert done.returncode == 0
    for command in (
        "prepare",
        "train",
        "decide",
        "evaluate",
        "explain",
        "pack",
        "code",
        "list",
        "show",
        "fetch",
        "run",
    ):
        assert f"\n  {command} " in done.stdout


def test_json_lines_point_into_the_text_as_given(warm_cache: dict[str, str]) -> None:
    done = icdcoder("code", "-", "--format", "jsonl", env=warm_cache, stdin=NOTE)
    assert done.returncode == 0, done.stderr
    prediction = json.loads(done.stdout)
    codes = {c["code"]: c for c in prediction["codes"]}
    assert codes["J18.9"]["accepted"]
    assert codes["I10"]["accepted"]
    for c in prediction["codes"]:
        assert c["evidence"]
        for e in c["evidence"]:
            assert NOTE[e["start"] : e["end"]] == e["text"]


def test_negated_and_family_findings_are_not_accepted(warm_cache: dict[str, str]) -> None:
    done = icdcoder("code", "-", "--format", "jsonl", env=warm_cache, stdin=NOTE)
    accepted = {c["code"] for c in json.loads(done.stdout)["codes"] if c["accepted"]}
    assert not {c for c in accepted if c.startswith(("I26", "E11", "E08"))}


def test_the_table_marks_the_evidence(warm_cache: dict[str, str]) -> None:
    done = icdcoder("code", "-", env=warm_cache, stdin=NOTE)
    assert done.returncode == 0
    assert "J18.9" in done.stdout
    assert "Pneumonia, unspecified organism" in done.stdout
    one = icdcoder("code", "-", "--top", "0", env=warm_cache, stdin="Gout.")
    assert "1 code accepted, 0 more candidates" in one.stdout
    assert "hypertension" in done.stdout


def test_icd9(warm_cache: dict[str, str]) -> None:
    done = icdcoder("code", "-", "--system", "icd9cm", "--format", "jsonl", env=warm_cache, stdin=NOTE)
    accepted = {(c["system"], c["code"]) for c in json.loads(done.stdout)["codes"] if c["accepted"]}
    assert {("icd9cm", "486"), ("icd9cm", "401.9")} <= accepted


def test_procedures_of_icd10pcs(warm_cache: dict[str, str]) -> None:
    note = "Laparoscopic cholecystectomy, endotracheal intubation and a right total hip replacement. History of CABG."
    done = icdcoder("code", "-", "--system", "icd10pcs", "--format", "jsonl", env=warm_cache, stdin=note)
    accepted = {c["code"] for c in json.loads(done.stdout)["codes"] if c["accepted"]}
    assert accepted == {"0FT44ZZ", "0BH17EZ", "0SR90JZ"}


def test_the_visit_is_given_beside_the_note(warm_cache: dict[str, str]) -> None:
    options = ("--date", "2018-05-01", "--age", "67", "--sex", "F", "--format", "jsonl")
    done = icdcoder("code", "-", *options, env=warm_cache, stdin="Chronic cough. Prostate cancer.")
    answer = json.loads(done.stdout)
    assert {c["code"] for c in answer["codes"] if c["accepted"]} == {"R05"}
    assert answer["edition"] == "2018"


def test_top_limits_candidates_and_never_cuts_accepted_codes(warm_cache: dict[str, str]) -> None:
    full = json.loads(icdcoder("code", "-", "--format", "jsonl", "--top", "50", env=warm_cache, stdin=NOTE).stdout)
    none = json.loads(icdcoder("code", "-", "--format", "jsonl", "--top", "0", env=warm_cache, stdin=NOTE).stdout)
    assert none["codes"] == [c for c in full["codes"] if c["accepted"]]


def test_a_broken_line_costs_nothing_else(warm_cache: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    rows = ['{"id": "a", "text": "Pneumonia."}', "{broken", '{"id": "a", "text": "Twice."}', '{"id": "b", "text": ""}']
    path.write_text("\n".join(rows))
    done = icdcoder("code", str(path), "--format", "jsonl", env=warm_cache)
    assert done.returncode == 1
    assert [json.loads(line)["note_id"] for line in done.stdout.splitlines()] == ["a", "b"]
    assert "line 2: is not JSON" in done.stderr
    assert "'a' was used before" in done.stderr
    assert "'b' is empty" in done.stderr
    assert "3 notes could not be coded; 1 was." in done.stderr


def test_the_notes_are_never_written_over(warm_cache: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("id,text\n1,Cough\n")
    (tmp_path / "link.csv").symlink_to(path)
    done = icdcoder("code", "notes.csv", "-o", "link.csv", env=warm_cache, cwd=tmp_path)
    assert done.returncode == 2
    assert "one of the files of notes" in done.stderr
    assert path.read_text() == "id,text\n1,Cough\n"


def test_where_no_note_was_coded_nothing_else_is_said(warm_cache: dict[str, str], tmp_path: Path) -> None:
    done = icdcoder("code", str(tmp_path), env=warm_cache)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "icdcoder: No note was coded."


def test_notes_that_lead_over_to_a_list_are_shown_as_such(warm_cache: dict[str, str]) -> None:
    assert "to identify control using: injectable" in icdcoder("show", "E11", env=warm_cache).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["code"], "No note was given"),
        (["code", "-", "--system", "icd10cn"], "Did you mean 'icd10cm'"),
        (["code", "-", "--date", "May 2018"], "2018-05-01"),
        (["code", "-", "--sex", "X"], "F or M"),
        (["code", "-", "--age", "190"], "in years"),
        (["code", "-", "--age", "19", "--no-rules"], "--no-rules"),
        (["code", "-", "--coder", "nowhere"], "no coder folder nowhere"),
        (["code", "-", "--coder", "bultin"], "Did you mean 'builtin'"),
        (["code", "-", "--format", "xml"], "table or jsonl"),
        (["code", "-", "-o", "/nowhere/at/all.jsonl"], "cannot be written"),
        (["show", "icd10cm:I10.X"], "I10"),
        (["show", "icd11:1A00"], "icd11"),
        (["explain", "-", "--coder", "builtin"], "icdcoder code shows"),
        (["show", "laat"], "icdcoder show models/laat"),
        (["show", "models/lat"], "Did you mean 'laat'"),
        (["list", "modles"], "Did you mean 'models'"),
        (["fetch", "nosuch"], "Known: icd10cm-index, caml-splits"),
        (["prepare", "none.toml"], "no configuration file"),
    ],
)
def test_bad_input_is_one_sentence(warm_cache: dict[str, str], arguments: list[str], words: str) -> None:
    done = icdcoder(*arguments, env=warm_cache, stdin="Cough.")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("icdcoder: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_binary_input_is_refused(warm_cache: dict[str, str]) -> None:
    done = icdcoder("code", "-", env=warm_cache, stdin=b"\x89PNG\r\n\x1a\n\x00\x00")
    assert done.returncode == 1
    assert "binary" in done.stderr


def test_a_five_megabyte_note_is_coded(warm_cache: dict[str, str]) -> None:
    sentence = "The patient has hypertension and denies chest pain. "
    done = icdcoder("code", "-", "--format", "jsonl", env=warm_cache, stdin=sentence * (5_000_000 // len(sentence)))
    assert done.returncode == 0, done.stderr
    assert "I10" in {c["code"] for c in json.loads(done.stdout)["codes"] if c["accepted"]}


def test_a_note_is_coded_although_the_cache_cannot_be_written(warm_cache: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    env = {**warm_cache, "ICDCODER_CACHE": str(tmp_path / "file" / "cache")}
    done = icdcoder("code", "-", "--format", "jsonl", env=env, stdin=NOTE)
    assert done.returncode == 0, done.stderr


def test_show_a_code(warm_cache: dict[str, str]) -> None:
    done = icdcoder("show", "E1122", env=warm_cache)
    assert "E11.22" in done.stdout
    assert "Type 2 diabetes mellitus with diabetic chronic kidney disease" in done.stdout


def test_brackets_of_a_title_are_shown(warm_cache: dict[str, str]) -> None:
    assert "Giardiasis [lambliasis]" in icdcoder("show", "A07.1", env=warm_cache).stdout
    assert "Giardiasis [lambliasis]" in icdcoder("code", "-", env=warm_cache, stdin="Stool shows giardiasis.").stdout


def test_nothing_is_imported_for_help() -> None:
    script = (
        "import sys, icdcoder.cli.app as app; app._add_commands(); "
        "print([m for m in ('torch', 'polars', 'pydantic', 'numpy', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_second_start_is_not_a_first_one(warm_cache: dict[str, str]) -> None:
    """The dictionary is compiled once: a warm start does a small share of the work of a cold one."""
    icdcoder("code", "-", env=warm_cache, stdin=NOTE)
    began = time.monotonic()
    icdcoder("code", "-", env=warm_cache, stdin=NOTE)
    warm = time.monotonic() - began
    assert any(Path(warm_cache["ICDCODER_CACHE"]).rglob("terms.npy"))
    assert warm < 30


def test_the_package_is_a_command() -> None:
    done = subprocess.run([sys.executable, "-m", "icdcoder", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "clinical notes" in done.stdout


def test_sampling_is_shown_of_a_prepared_corpus(warm_cache: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        '[corpus]\nkind = "synthetic"\ndocuments = 40\n[text]\nmax_tokens = 100\nsampler = "knowledge"\n'
    )
    done = icdcoder("sampling", "c.toml", env=warm_cache, cwd=tmp_path)
    assert done.returncode == 2
    assert "icdcoder prepare" in done.stderr
    assert icdcoder("prepare", "c.toml", env=warm_cache, cwd=tmp_path).returncode == 0
    done = icdcoder("sampling", "c.toml", "--part", "test", env=warm_cache, cwd=tmp_path)
    assert done.returncode == 0
    assert "| hospital course |" in done.stdout
    done = icdcoder("sampling", "c.toml", "--part", "tests", env=warm_cache, cwd=tmp_path)
    assert "Did you mean 'test'" in done.stderr
    done = icdcoder(
        "reproduce", "paper2-table4", "--corpus", "synthetic", "--system", "T5", env=warm_cache, cwd=tmp_path
    )
    assert "leave out --system" in done.stderr
