"""icdcoder prepare on tables in the shape of MIMIC-III: what a researcher sees."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

FAKE = Path(__file__).parents[2] / "benchmarks" / "fake_mimic.py"
CONFIG = """
name = "m3"
runs = "{folder}/runs"
[corpus]
kind = "mimic3"
root = "{folder}/mimic"
lists = "{folder}/mimic/splits"
[model]
kind = "caml"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    spec = importlib.util.spec_from_file_location("fake_mimic_of_commands", FAKE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.write(tmp_path / "mimic", notes=1500)
    path = tmp_path / "m3.toml"
    path.write_text(CONFIG.format(folder=tmp_path))
    return path


def prepare(config: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "icdcoder.cli", "prepare", str(config)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_check_sheet_and_the_licence_are_shown(config: Path) -> None:
    result = prepare(config)
    assert result.returncode == 0, result.stderr
    lines = result.stderr.splitlines()
    (rows,) = [line.split() for line in lines if line.startswith("note rows")]
    assert rows[2:] == ["2,083,180", "1,500", "differs"]
    assert any("Data Use Agreement" in line for line in lines)
    assert any("left out: admissions with notes and without codes" in line for line in lines)
    assert result.stdout.strip().endswith("prepared")
    again = prepare(config)
    assert again.returncode == 0
    assert "note rows" in again.stderr
    assert "Data Use Agreement" not in again.stderr


def test_codes_that_are_artefacts_are_named(config: Path) -> None:
    splits, lines = config.parent / "mimic" / "splits", []
    for part in ("train", "dev", "test"):
        names = [f"1_{name}" for name in (splits / f"{part}_full_hadm_ids.csv").read_text().split()]
        lines += [f"{part}_ids = {names!r}", f"{part}_labels = {['40.7'] * len(names)!r}"]
    (config.parent / "collectrare50data.py").write_text("\n".join(lines))
    text = config.read_text().replace("/mimic/splits", "/collectrare50data.py")
    config.write_text(text.replace("[model]", 'variant = "rare50"\nlabels = "caml"\n[model]'))
    result = prepare(config)
    assert result.returncode == 0, result.stderr
    assert "40.7 stands for 04.07" in result.stderr


def test_a_missing_table_is_one_sentence(config: Path) -> None:
    (config.parent / "mimic" / "NOTEEVENTS.csv.gz").unlink()
    result = prepare(config)
    assert result.returncode == 2
    assert "The table noteevents is not in" in result.stderr
    assert "physionet.org/content/mimiciii" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (config.parent / "runs" / "m3" / "prepared").exists()


def test_a_table_that_was_cut_short_is_one_sentence_and_leaves_nothing(config: Path) -> None:
    table = config.parent / "mimic" / "NOTEEVENTS.csv.gz"
    whole = table.read_bytes()
    table.write_bytes(whole[: len(whole) // 2])
    result = prepare(config)
    assert result.returncode == 2
    assert "NOTEEVENTS.csv.gz is cut short" in result.stderr
    assert "Traceback" not in result.stderr
    assert list((config.parent / "runs" / "m3").iterdir()) == []
    table.write_bytes(whole)
    assert prepare(config).returncode == 0


def test_a_prepare_that_is_killed_is_made_anew(config: Path) -> None:
    folder = config.parent / "runs" / "m3"
    code = (
        "import os, signal, sys\n"
        "from icdcoder.experiment import drafts\n"
        "def killed(*_):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "drafts.Drafts.finish = killed\n"
        "from icdcoder.cli import main\n"
        "main()\n"
    )
    result = subprocess.run([sys.executable, "-c", code, "prepare", str(config)], capture_output=True, check=False)
    assert result.returncode == -9
    (left,) = folder.iterdir()
    assert (left / "documents.parquet").exists()
    result = prepare(config)
    assert result.returncode == 0, result.stderr
    assert [path.name for path in folder.iterdir()] == ["prepared"]


def test_a_second_prepare_does_not_take_away_what_the_first_is_writing(config: Path) -> None:
    code = (
        "import sys\n"
        "from icdcoder.experiment import drafts\n"
        "finish = drafts.Drafts.finish\n"
        "def waited(*given):\n"
        "    print('waiting', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    return finish(*given)\n"
        "drafts.Drafts.finish = waited\n"
        "from icdcoder.cli import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", code, "prepare", str(config)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "waiting\n"
        second = prepare(config)
        first.communicate("go on\n")
    assert second.returncode == 2
    assert "is being prepared by another process" in second.stderr
    assert first.returncode == 0
    folder = config.parent / "runs" / "m3"
    assert [path.name for path in folder.iterdir()] == ["prepared"]
    assert "in-use" not in [path.name for path in (folder / "prepared").iterdir()]


@pytest.mark.parametrize(
    ("moment", "kilobytes"),
    [("corpora.mimic3.read", 100), ("experiment.documents.write", 10), ("experiment.documents.write", 150)],
    ids=["texts", "documents", "tokens"],
)
def test_a_full_disk_is_one_sentence_and_leaves_nothing(config: Path, moment: str, kilobytes: int) -> None:
    code = (
        "import importlib, resource, sys\n"
        "kilobytes, moment = int(sys.argv.pop()), sys.argv.pop()\n"
        "place, _, name = f'icdcoder.{moment}'.rpartition('.')\n"
        "module = importlib.import_module(place)\n"
        "whole = getattr(module, name)\n"
        "def full(*given):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024,) * 2)\n"
        "    return whole(*given)\n"
        "setattr(module, name, full)\n"
        "from icdcoder.cli import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", code, "prepare", str(config), moment, str(kilobytes)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2, result.stderr
    assert "could not be prepared: File too large" in result.stderr
    assert "TMPDIR" in result.stderr
    assert "Traceback" not in result.stderr
    assert list((config.parent / "runs" / "m3").iterdir()) == []
