from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from icdcoder.cli import app as command_line
from icdcoder.cli import explaining, screen
from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError, InputError
from icdcoder.experiment.concept_coverage import coverage
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.flow import run
from icdcoder.experiment.prepared import Prepared
from icdcoder.explain.concepts import CodeReasons
from icdcoder.knowledge import concept_files

CONFIG = """
name = "small"
runs = "{runs}"
[corpus]
kind = "synthetic"
documents = 80
codes = 6
[model]
kind = "concept"
folds = 2
steps = 40
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """config.toml, runs/ with a trained coder, and note.txt."""
    folder = tmp_path_factory.mktemp("concepts")
    config = folder / "config.toml"
    config.write_text(CONFIG.format(runs=(folder / "runs").as_posix()), encoding="utf-8")
    run(Experiment.load(config))
    prepared = Prepared.load(folder / "runs/small/prepared")
    note = prepared.documents[prepared.split("test")[0]].joined()
    (folder / "note.txt").write_text(note.text, encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def width() -> Iterator[None]:
    """The console takes its width when it is made, and is kept: this test's own, and no later test's."""
    screen.out.cache_clear()
    yield
    screen.out.cache_clear()


def icdcoder(*arguments: object) -> Result:
    if not command_line.app.registered_commands:
        command_line._add_commands()
    return CliRunner().invoke(command_line.app, [str(argument) for argument in arguments])


def explained(folder: Path, *more: str) -> list[dict]:
    coder = folder / "runs/small/coder"
    result = icdcoder("explain", folder / "note.txt", "--coder", coder, "--format", "json", *more)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_concepts_are_shown_with_coverage_and_written(folder: Path) -> None:
    result = icdcoder("concepts", folder / "config.toml", "--write", folder / "concepts.tsv")
    assert result.exit_code == 0, result.output
    assert "concepts for 6 codes" in " ".join(result.stdout.split())
    assert len(concept_files.read(folder / "concepts.tsv")) > 6


def test_every_concept_is_shown_with_the_notes_that_affirm_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    found = coverage(Experiment.load(folder / "config.toml"))
    shown = [line.split() for line in icdcoder("concepts", folder / "config.toml").stdout.splitlines()]
    assert (found.notes != found.with_code).any()
    for concept, notes, own in zip(found.concepts, found.notes, found.with_code, strict=True):
        named = concept.name.split()
        assert any(line[: len(named)] == named and line[-2:] == [str(notes), str(own)] for line in shown)
    said = " ".join(word for line in shown[-3:] for word in line)
    assert f"{(found.notes > 0).sum()} are affirmed in one or more of the {found.training_notes} training" in said
    assert f"{len(found.covered)} codes have more than 2 of their concepts affirmed" in said


def test_every_supporting_concept_has_its_place_in_the_note(folder: Path) -> None:
    note = (folder / "note.txt").read_text(encoding="utf-8")
    found = [reason for one in explained(folder) for reason in one["supporting"]]
    assert found
    for reason in found:
        assert reason["evidence"]
        assert all(note[e["start"] : e["end"]] == e["text"] for e in reason["evidence"])


def test_a_concept_that_the_note_denies_is_missing_and_has_its_place_too(folder: Path, tmp_path: Path) -> None:
    supporting = next(one for one in explained(folder) if one["supporting"])
    name = supporting["supporting"][0]["concept"]
    (tmp_path / "note.txt").write_text(f"No {name}.", encoding="utf-8")
    asked = ("--coder", folder / "runs/small/coder", "--code", supporting["code"])
    denied = json.loads(icdcoder("explain", tmp_path / "note.txt", *asked, "--format", "json").stdout)
    (reason,) = (one for one in denied["missing"] if one["concept"] == name)
    assert [one["text"].casefold() for one in reason["evidence"]] == [name.casefold()]
    assert reason["score"] < 0.5
    table = " ".join(icdcoder("explain", tmp_path / "note.txt", *asked).stdout.split()).casefold()
    assert f"3–{3 + len(name)} {name.casefold()}" in table


def test_setting_a_concept_changes_the_score(folder: Path) -> None:
    plain = next(one for one in explained(folder) if one["supporting"] and one["supporting"][0]["own"])
    concept = plain["supporting"][0]["concept"]
    edited = explained(folder, "--code", plain["code"], "--set-concept", f"{concept}=no")[0]
    assert edited["score"] < plain["score"]
    assert edited["before"] == pytest.approx(plain["score"])
    untyped = plain["code"].partition(":")[2]  # the coder answers in one code system
    assert explained(folder, "--code", untyped, "--set-concept", f"{concept}=no")[0] == edited


def test_the_table_names_concepts_and_marks_answers_set(folder: Path) -> None:
    plain = explained(folder)[0]
    concept = plain["missing"][0]["concept"]
    coder = folder / "runs/small/coder"
    asked = ("--code", plain["code"], "--set-concept", f"{concept}=yes")
    result = icdcoder("explain", folder / "note.txt", "--coder", coder, *asked)
    assert "(set)" in result.stdout
    assert "(was " in result.stdout


def test_the_builder_takes_the_options_that_the_page_gives_it() -> None:
    page = " ".join((Path(__file__).parents[2] / "docs/concepts.md").read_text(encoding="utf-8").split())
    given = page.partition("`icdcoder knowledge build ")[2].partition(" …`")[0].split()
    result = icdcoder("knowledge", "build", *given, "--endpoint", "http://127.0.0.1:9", "--model", "none")
    assert "codes.txt cannot be read" in str(result.exception)


def test_a_code_without_any_concept_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    explaining._show(CodeReasons(Code("icd9cm", "486"), 0.2, True, 0.2, (), ()), "Pneumonia")
    assert "No concept bears on it" in capsys.readouterr().out


def test_a_code_that_takes_concepts_of_its_parent_says_so(folder: Path, tmp_path: Path) -> None:
    edited = tmp_path / "concepts.tsv"
    icdcoder("concepts", folder / "config.toml", "--write", edited)
    code = Prepared.load(folder / "runs/small/prepared").space.codes[0]
    above = Code(code.system, code.value.partition(".")[0])
    edited.write_text(edited.read_text(encoding="utf-8").replace(str(code), str(above)), encoding="utf-8")
    run(Experiment.load(folder / "config.toml", ["name=taken", f"model.concepts={edited}"]))
    coder = folder / "runs/taken/coder"
    asked = ("explain", folder / "note.txt", "--coder", coder, "--code", str(code))
    assert json.loads(icdcoder(*asked, "--format", "json").stdout)["concepts_from"] == str(above)
    assert f"no concepts of its own; those of {above} stand in" in " ".join(icdcoder(*asked).stdout.split())
    other = Prepared.load(folder / "runs/small/prepared").space.codes[1]
    assert explained(folder, "--code", str(other))[0]["concepts_from"] is None


def test_concepts_are_written_though_the_table_is_cut_short(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed() -> None:
        raise BrokenPipeError

    monkeypatch.setattr("icdcoder.cli.concepts.out", closed)
    icdcoder("concepts", folder / "config.toml", "--write", folder / "cut.tsv")
    assert len(concept_files.read(folder / "cut.tsv")) > 6


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (("--set-concept", "no such concept=no"), InputError),
        (("--set-concept", "nothing"), InputError),
        (("--format", "xml"), ConfigError),
        (("--method", "attention"), ConfigError),
    ],
)
def test_wrong_questions_are_answered_with_a_sentence(folder: Path, asked: tuple[str, str], error: type) -> None:
    result = icdcoder("explain", folder / "note.txt", "--coder", folder / "runs/small/coder", *asked)
    assert isinstance(result.exception, error)
