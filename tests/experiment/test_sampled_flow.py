"""A model reads the same part of a note in training and in use, whatever chooses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from icdcoder.coder import Coder
from icdcoder.core.document import SPLITS
from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.flow import run
from icdcoder.experiment.prepare import prepare
from icdcoder.experiment.prepared import Prepared
from icdcoder.experiment.training import tokenised
from icdcoder.text.channels import compute
from icdcoder.text.knowledge_sample import FILE, KnowledgeSampler

from .conftest import experiment

BUDGET = 60


@pytest.fixture(scope="module", params=["knowledge", "knowledge_sections"])
def sampled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    asked = experiment(tmp_path_factory.mktemp("sampled"), text={"max_tokens": BUDGET, "sampler": request.param})
    run(asked)
    return asked


def test_prepared_tokens_are_those_that_the_coder_reads(sampled: Experiment) -> None:
    prepared = Prepared.load(sampled.prepared)
    predictor: Any = Coder.load(sampled.coder).predictor
    apart = 0
    for split in SPLITS:
        for i in prepared.split(split):
            note = prepared.documents[i].joined()
            read = predictor.read(note)
            assert prepared.tokens[i].tolist() == read.tokens.tolist() == prepared.read(note.text).ids.tolist()
            head = prepared.reader.encode(note.text)[:BUDGET]
            apart += prepared.tokens[i].tolist() != head.tolist()
    assert apart > len(prepared.documents) / 2


def test_what_was_left_out_is_said(sampled: Experiment) -> None:
    prepared = Prepared.load(sampled.prepared)
    note = prepared.documents[0].joined()
    coder = Coder.load(sampled.coder)
    prediction = coder.code(note)
    assert prediction.left_unread
    assert all("fewer words speak of a code" in span.reason for span in prediction.left_unread)
    predictor: Any = coder.predictor
    starts = predictor.read(note).offsets[:, 0]
    for span in prediction.left_unread:
        assert not ((starts >= span.start) & (starts < span.end)).any()


def test_the_terms_are_those_of_the_label_space_and_travel_with_the_coder(sampled: Experiment) -> None:
    from icdcoder.knowledge import expressions

    prepared = Prepared.load(sampled.prepared)
    assert isinstance(prepared.sampler, KnowledgeSampler)
    known = {
        e.text
        for s in prepared.space.systems
        for c, es in expressions.load(s).items()
        for e in es
        if c in prepared.space
    }
    assert set(prepared.sampler.terms) == known
    assert (sampled.coder / FILE).read_bytes() == (sampled.prepared / FILE).read_bytes()
    assert FILE in json.loads((sampled.coder / "coder.json").read_text())["files"]


def test_channels_are_of_the_tokens_kept(sampled: Experiment) -> None:
    prepared = Prepared.load(sampled.prepared)
    notes = tokenised(prepared, "test", ["diagnoses"])
    for place, i in enumerate(prepared.split("test")):
        text = prepared.documents[i].joined().text
        whole = prepared.reader.read(text)
        kept = prepared.sampler(whole, BUDGET, text).kept
        wanted = compute(["diagnoses"], text, whole.offsets[kept])["diagnoses"]
        batch = notes.batch([place])
        assert batch.channels["diagnoses"][0, : len(kept)].tolist() == wanted.tolist()


def test_a_coder_without_its_terms_is_refused(sampled: Experiment, tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(sampled.coder, tmp_path / "coder"))
    (folder / FILE).unlink()
    with pytest.raises(ArtefactError, match=FILE):
        Coder.load(folder)


def test_a_label_space_of_which_nothing_is_known_is_refused(tmp_path: Path) -> None:
    rows = "id,text,codes,split\n" + "".join(
        f"{i},{'bed rest ' * 40},Z91.A41,{split}\n" for i, split in enumerate(["train"] * 4 + ["validation", "test"])
    )
    (tmp_path / "notes.csv").write_text(rows)
    asked = Experiment.resolve(
        {
            "name": "bare",
            "runs": str(tmp_path),
            "corpus": {"kind": "table", "path": str(tmp_path / "notes.csv"), "system": "icd10cm"},
            "text": {"sampler": "knowledge", "max_tokens": 9},
            "model": {"kind": "caml"},
        }
    )
    with pytest.raises(ConfigError, match="Take text.sampler = 'head'"):
        prepare(asked)
    assert not asked.prepared.exists()


def test_expressions_of_a_file_are_looked_for_beside_our_own(tmp_path: Path) -> None:
    built = tmp_path / "medical_expressions.tsv"
    built.write_text("icd9cm:401.9\tterm\tpressure like a kettle\n", encoding="utf-8")
    text = {"max_tokens": BUDGET, "sampler": "knowledge"}
    own = prepare(experiment(tmp_path / "a", text=text))
    both = prepare(experiment(tmp_path / "b", text={**text, "sampler_knowledge": str(built)}))
    assert isinstance(own.sampler, KnowledgeSampler)
    assert isinstance(both.sampler, KnowledgeSampler)
    assert set(both.sampler.terms) - set(own.sampler.terms) == {"pressure like a kettle"}


def test_expressions_without_a_sampler_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sampler_knowledge is of no use to sampler = 'head'"):
        prepare(experiment(tmp_path, text={"sampler_knowledge": "mine.tsv"}))


def test_a_packed_coder_needs_no_file_of_the_user(tmp_path: Path) -> None:
    built = tmp_path / "medical_expressions.tsv"
    built.write_text("icd9cm:401.9\tterm\tpressure like a kettle\n", encoding="utf-8")
    text = {"max_tokens": BUDGET, "sampler": "knowledge", "sampler_knowledge": str(built)}
    asked = experiment(tmp_path, text=text)
    run(asked)
    built.unlink()
    assert "medical_expressions" not in (asked.coder / "coder.json").read_text(encoding="utf-8")
    predictor: Any = Coder.load(asked.coder).predictor
    assert "pressure like a kettle" in predictor.sampler.terms


def test_a_note_within_the_budget_is_read_whole(tmp_path: Path) -> None:
    whole = prepare(experiment(tmp_path / "a", text={"max_tokens": 10**6}))
    sampled = prepare(experiment(tmp_path / "b", text={"max_tokens": 10**6, "sampler": "knowledge"}))
    assert np.array_equal(whole.tokens.flat, sampled.tokens.flat)
