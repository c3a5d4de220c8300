from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from icdcoder.core.document import Document
from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.experiment.cautions import cautions
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepare import prepare
from icdcoder.experiment.prepared import Prepared
from icdcoder.text.tokens import words

from .conftest import TINY, experiment


def test_a_prepared_folder_round_trips(done: Experiment) -> None:
    one, other = Prepared.load(done.prepared), prepare(done)
    assert list(one.documents) == list(other.documents)
    assert one.space == other.space
    assert [t.tolist() for t in one.tokens] == [t.tolist() for t in other.tokens]


def test_vocabulary_and_space_know_the_training_part_only(done: Experiment) -> None:
    prepared = Prepared.load(done.prepared)
    training = [d for d in prepared.documents if d.split == "train"]
    seen = {word for d in training for word in words(d.joined().text).texts}
    assert set(prepared.reader.vocabulary.words[2:]) <= seen
    assert {code for d in training for code in d.codes} >= set(prepared.space.codes)


@pytest.mark.parametrize("part", ["test", "validation"])
def test_a_word_planted_in_other_notes_reaches_the_vocabulary_on_demand_alone(tmp_path: Path, part: str) -> None:
    rows = [
        {
            "id": str(i),
            "text": f"cough and fever {'leakage' if split == part else 'words'} here",
            "codes": "R05.9",
            "split": split,
        }
        for i, split in enumerate(["train"] * 8 + ["validation"] * 4 + ["test"] * 5)
    ]
    pl.DataFrame(rows).write_csv(tmp_path / "notes.csv")
    asked = Experiment.resolve(
        {
            **TINY,
            "corpus": {"kind": "table", "path": str(tmp_path / "notes.csv"), "system": "icd10cm"},
            "runs": str(tmp_path),
        }
    )
    prepared = prepare(asked)
    assert "words" in prepared.reader.vocabulary.words
    assert "leakage" not in prepared.reader.vocabulary.words
    every = {"text": {**TINY["text"], "vocabulary_parts": "all"}, "name": "every"}
    table = {"kind": "table", "path": str(tmp_path / "notes.csv"), "system": "icd10cm"}
    read = prepare(Experiment.resolve({**TINY, **every, "corpus": table, "runs": str(tmp_path)}))
    assert "leakage" in read.reader.vocabulary.words
    assert read.space == prepared.space
    (said,) = cautions(read)
    assert said.startswith("The words of the vocabulary are of all parts (text.vocabulary_parts = 'all')")
    assert cautions(prepared) == []


def test_a_setting_that_was_not_known_when_a_folder_was_made_stands_at_its_default(tmp_path: Path) -> None:
    asked = experiment(tmp_path)
    prepare(asked)
    path = asked.prepared / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    del card["settings"]["text"]["vocabulary_parts"]
    path.write_text(json.dumps({**card, "settings_digest": "of an earlier version"}), encoding="utf-8")
    prepare(asked)
    with pytest.raises(ArtefactError, match="text.vocabulary_parts: train → all"):
        prepare(experiment(tmp_path, text={**TINY["text"], "vocabulary_parts": "all"}))


def test_no_patient_is_in_two_parts(done: Experiment) -> None:
    where: dict[str, set[str]] = {}
    for document in Prepared.load(done.prepared).documents:
        where.setdefault(document.patient, set()).add(document.split)
    assert all(len(splits) == 1 for splits in where.values())


def test_what_is_cut_is_counted(tmp_path: Path) -> None:
    prepared = prepare(experiment(tmp_path, text={"max_tokens": 50}))
    assert max(map(len, prepared.tokens)) == 50
    assert prepared.card["counts"]["documents longer than max_tokens"] == len(prepared.documents)


def test_top_codes_and_what_they_drop(tmp_path: Path) -> None:
    prepared = prepare(experiment(tmp_path, labels={"top": 2}))
    assert len(prepared.space) == 2
    assert all(any(code in prepared.space for code in d.codes) for d in prepared.documents)
    assert prepared.card["dropped"]["documents without a code in the label space"] > 0


def test_codes_of_one_system(tmp_path: Path) -> None:
    prepared = prepare(experiment(tmp_path, labels={"systems": ["icd9cm"]}))
    assert prepared.space.systems == ("icd9cm",)


@pytest.mark.parametrize("name", ["documents.parquet", "space.json", "vocabulary.txt"])
def test_a_damaged_folder_is_noticed(tmp_path: Path, name: str) -> None:
    asked = experiment(tmp_path, corpus={"documents": 60})
    prepare(asked)
    (asked.prepared / name).write_bytes(b"other")
    with pytest.raises(ArtefactError, match="damaged"):
        prepare(asked)
    assert isinstance(prepare(asked, fresh=True).documents[0], Document)


@pytest.mark.parametrize(
    ("changes", "words_of_error"),
    [
        ({"corpus": {"kind": "sinthetic"}}, "Did you mean 'synthetic'"),
        ({"corpus": {"documens": 3}}, "Did you mean 'documents'"),
        ({"model": {"kind": "lat"}}, "Did you mean 'laat'"),
        ({"train": {"epoch": 3}}, "Did you mean 'epochs'"),
        ({"labels": {"top": 0}}, "labels.top"),
        ({"modle": {}}, "Did you mean 'model'"),
        ({"name": "../up"}, "name"),
    ],
)
def test_a_wrong_setting_is_a_sentence(tmp_path: Path, changes: dict, words_of_error: str) -> None:
    with pytest.raises(ConfigError) as error:
        experiment(tmp_path, **changes)
    assert words_of_error in str(error.value)


def test_an_unwritable_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtefactError, match="cannot be written"):
        prepare(experiment(tmp_path / "file", corpus={"documents": 60}))
