"""Notes read by their gold codes: a report that says so, and no coder."""

from __future__ import annotations

import json
from collections.abc import Hashable
from pathlib import Path

import numpy as np
import pytest

from icdcoder.core.errors import ConfigError
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.deciding import decide
from icdcoder.experiment.flow import run
from icdcoder.experiment.prepare import prepare
from icdcoder.experiment.prepared import Prepared
from icdcoder.knowledge import expressions
from icdcoder.measure.report import Report
from icdcoder.text.knowledge_sample import OracleSampler

from .conftest import experiment

TEXT = {"max_tokens": 60, "sampler": "oracle"}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    asked = experiment(tmp_path_factory.mktemp("oracle"), text=TEXT)
    run(asked)
    return asked


def test_each_note_is_read_by_its_own_gold_codes(measured: Experiment) -> None:
    prepared = Prepared.load(measured.prepared)
    terms: dict[Hashable, list[str]] = {
        code: [expression.text for expression in listed]
        for system in prepared.space.systems
        for code, listed in expressions.load(system).items()
        if code in prepared.space
    }
    oracle = OracleSampler(terms)
    for i in [prepared.split(part)[0] for part in ("train", "validation", "test")]:
        document = prepared.documents[i]
        text = document.joined().text
        read = prepared.reader.read(text)
        assert prepared.tokens[i].tolist() == read.ids[oracle(read, 60, text, document.codes).kept].tolist()


def test_the_report_says_that_it_is_an_upper_bound(measured: Experiment) -> None:
    report = Report.load(measured.report)
    assert report.warnings[0].startswith("Oracle: each note was read where its own gold codes are worded.")
    assert report.about["sampler"] == "oracle"
    assert "(oracle, upper bound)" in (measured.report / "report.md").read_text(encoding="utf-8").splitlines()[0]
    assert 0 < report.metrics["micro_f1"] <= 1
    with np.load(measured.report / "scores.npz") as saved:
        prepared = Prepared.load(measured.prepared)
        assert np.array_equal(saved["gold"], prepared.gold(prepared.split("test")))
    assert json.loads((measured.report / "metrics.json").read_text())["about"]["threshold"]["split"] == "validation"


def test_there_is_no_coder(measured: Experiment) -> None:
    assert not measured.coder.exists()
    with pytest.raises(ConfigError, match="upper bound, and there is no coder.*icdcoder evaluate"):
        decide(measured)
    assert not measured.coder.exists()
    with pytest.raises(ConfigError, match="which nobody has of a new note"):
        Prepared.load(measured.prepared).read("Hypertension.")


def test_scorers_of_concepts_are_no_part_of_it(tmp_path: Path) -> None:
    data = {"name": "x", "runs": str(tmp_path), "corpus": {"kind": "synthetic"}, "text": TEXT}
    with pytest.raises(ConfigError, match="for single networks"):
        Experiment.resolve({**data, "model": {"kind": "concept"}})


def test_a_label_space_of_which_nothing_is_known_is_refused(tmp_path: Path) -> None:
    rows = "id,text,codes,split\n" + "".join(
        f"{i},{'bed rest ' * 40},Z91.A41,{split}\n" for i, split in enumerate(["train"] * 4 + ["validation", "test"])
    )
    (tmp_path / "notes.csv").write_text(rows)
    corpus = {"kind": "table", "path": str(tmp_path / "notes.csv"), "system": "icd10cm"}
    asked = {"name": "bare", "runs": str(tmp_path), "corpus": corpus, "text": TEXT, "model": {"kind": "caml"}}
    with pytest.raises(ConfigError, match="Take text.sampler = 'head'"):
        prepare(Experiment.resolve(asked))
