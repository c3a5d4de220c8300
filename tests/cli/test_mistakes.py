from __future__ import annotations

from pathlib import Path

import pytest

from icdcoder.cli.mistakes import show_errors
from icdcoder.core.errors import ConfigError
from icdcoder.corpora.cmc2007 import FILE
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
    show_errors(config, (), "builtin", "icd9cm", None, "train", 0)
    lines = shown(capsys)
    assert "codes right" in lines[0]
    assert [line.rsplit(maxsplit=1)[0].strip() for line in lines[2:]] == list(KINDS)
    assert not any("…" in line for line in lines)


def test_examples_come_with_the_words_of_the_note(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_errors(config, (), "builtin", "icd9cm", None, "train", 2)
    examples = [line for line in shown(capsys) if line.startswith("added  ") and "…" in line]
    assert 0 < len(examples) <= 2
    assert any("…" in line for line in examples)


def test_of_notes_that_a_coder_may_have_been_fitted_on_that_is_said(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {}
    for name, part in (("ranked", "train"), ("ranked", "test"), ("builtin", "train")):
        show_errors(config, (), name, None, None, part, 0)
        said[name, part] = "fewer mistakes here" in capsys.readouterr().err
    assert said == {("ranked", "train"): True, ("ranked", "test"): False, ("builtin", "train"): False}


def test_an_unknown_part_is_refused(config: str) -> None:
    with pytest.raises(ConfigError, match="train, validation, test"):
        show_errors(config, (), "builtin", "icd9cm", None, "dev", 0)


REPORT = """<doc id="{i}" type="RADIOLOGY_REPORT"><codes>
<code origin="CMC_MAJORITY" type="ICD-9-CM">780.6</code></codes>
<texts><text origin="X" type="CLINICAL_HISTORY">Fever. {i}</text></texts></doc>"""


def test_the_built_in_coder_answers_in_the_edition_by_which_a_corpus_was_coded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fever was 780.6 until fiscal year 2009, and is 780.60 since."""
    (tmp_path / FILE).write_text(f"<docs>{''.join(REPORT.format(i=i) for i in range(20))}</docs>")
    path = tmp_path / "cmc.toml"
    path.write_text('name = "cmc"\n[corpus]\nkind = "cmc2007"\nfolds = 5\n[model]\nkind = "caml"\n', encoding="utf-8")
    settings = (f"corpus.root={tmp_path}",)
    show_errors(str(path), settings, "builtin", "icd9cm", None, "test", 0)
    printed = capsys.readouterr()
    assert "4 notes, 4 codes right" in printed.out
    assert "coded by the edition 2007" in printed.err
    show_errors(str(path), settings, "builtin", "icd9cm", "current", "test", 0)
    assert "4 notes, 0 codes right" in shown(capsys)[0]


def test_an_edition_is_asked_of_the_built_in_coder_only(config: str) -> None:
    with pytest.raises(ConfigError, match="key edition"):
        show_errors(config, (), "ranked", None, "2018", "train", 0)
    with pytest.raises(ConfigError, match="edition"):
        show_errors(config, (), "builtin", "icd9cm", "1977", "train", 0)
