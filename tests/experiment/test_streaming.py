"""Preparing goes over a corpus once, in chunks, and leaves nothing behind when it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from icdcoder.core.code import Code
from icdcoder.core.config import Settings
from icdcoder.core.document import CorpusReading, Document, GoldEvidence
from icdcoder.core.errors import InputError
from icdcoder.core.note import Note
from icdcoder.experiment import documents as rows
from icdcoder.experiment import draft_share
from icdcoder.experiment.config import Experiment, LabelsConfig
from icdcoder.experiment.prepare import prepare
from icdcoder.experiment.prepared import Prepared
from icdcoder.text.readers.words import Config
from icdcoder.text.tokens import words

COUNT = 700
CODES = [Code("icd10cm", value) for value in ("I10", "E11.9", "R05.9", "J18.9")]


def document(i: int, split: Any = None, patient: str | None = None) -> Document:
    notes = tuple(
        Note(f"{i}-{j}", f"Note {j} of {i}: pain, word{i} word{i % 40}é\n" * (1 + i % 3)) for j in range(1 + i % 2)
    )
    codes = () if i % 10 == 9 else tuple(CODES[: 1 + i % 4])
    evidence = (GoldEvidence(CODES[0], 5, 6, len(notes) - 1),) if i % 5 == 0 else None
    split = split or ("train", "train", "train", "validation", "test")[i % 5]
    return Document(str(i), notes, codes, patient or f"p{i}", split, evidence)


class Once:
    """A corpus that can be gone through one time, with counts that are complete at the end of it."""

    Config = type("Config", (Settings,), {})

    def __init__(self, count: int = COUNT, fails_at: int | None = None, crossing: bool = False) -> None:
        self.count, self.fails_at, self.crossing = count, fails_at, crossing

    def read(self, config: Settings) -> CorpusReading:
        dropped: dict[str, int] = {}

        def stream() -> Iterator[Document]:
            for i in range(self.count):
                if i == self.fails_at:
                    raise InputError("The table ends here.")
                yield document(i)
            if self.crossing:
                yield document(self.count, "test", "p0")
            dropped["rows without text"] = 3

        return CorpusReading(stream(), dropped, {"name": "once"}, {"note rows": 9})

    def check(self, config: Settings, facts: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"what": key, "yours": facts[key]}
            for key in ("note rows", "train documents", "tokens", "types", "vocabulary")
        ]


@pytest.fixture
def corpus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Puts a `Once` where the experiment looks for its corpus."""
    from icdcoder.core import components

    def install(once: Once) -> Once:
        load = components.load
        monkeypatch.setattr(
            components, "load", lambda folder, kind: once if folder == "corpora" else load(folder, kind)
        )
        return once

    return install


def one_each(texts: Sequence[str]) -> Callable[[], list[int]]:
    return lambda: [1] * len(texts)


def small(folder: Path, **text: Any) -> Experiment:
    return Experiment.resolve(
        {"name": "s", "runs": str(folder), "corpus": {"kind": "once"}, "model": {"kind": "caml"}, "text": text}
    )


def test_what_is_prepared_is_what_streamed_by(tmp_path: Path, corpus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "ROWS", 64)
    corpus(Once())
    prepared = prepare(small(tmp_path, min_documents=1))
    wanted = [document(i) for i in range(COUNT) if document(i).codes]
    assert list(prepared.ids) == [d.id for d in wanted]
    assert list(prepared.patients) == [d.patient for d in wanted]
    training = {word for d in wanted if d.split == "train" for word in words(d.joined().text).texts}
    assert set(prepared.reader.vocabulary.words[2:]) == training
    for i, before in enumerate(wanted):
        after = prepared.documents[i]
        assert after.joined() == before.joined()
        assert after.codes == before.codes
        assert after.joined_evidence() == before.joined_evidence()
        assert prepared.tokens[i].tolist() == prepared.reader.encode(before.joined().text).tolist()
    assert np.array_equal(prepared.gold(range(len(wanted))), prepared.space.targets([d.codes for d in wanted]))
    train = prepared.split("train")
    assert prepared.counts(train).tolist() == prepared.gold(train).sum(axis=0).tolist()
    assert prepared.card["dropped"] == {
        "rows without text": 3,
        "documents without a code in the label space": COUNT // 10,
    }


@pytest.mark.parametrize("chunk", [40, 400, 1 << 20])
@pytest.mark.parametrize("budget", [2, 10**6])
@pytest.mark.parametrize("dropping", [False, True])
def test_tokens_do_not_depend_on_how_many_are_numbered_at_once(
    tmp_path: Path, corpus: Any, monkeypatch: pytest.MonkeyPatch, chunk: int, budget: int, dropping: bool
) -> None:
    monkeypatch.setattr(draft_share, "CHUNK", chunk)
    monkeypatch.setattr(rows, "CHARACTERS", chunk)
    corpus(Once())
    experiment = small(tmp_path, min_documents=2, max_tokens=budget)
    prepared = prepare(replace(experiment, labels=LabelsConfig(drop_unlabelled=dropping)))
    wanted = [document(i) for i in range(COUNT) if document(i).codes or not dropping]
    assert len(prepared.tokens) == len(wanted)
    for i, read in enumerate(wanted):
        assert prepared.tokens[i].tolist() == prepared.reader.encode(read.joined().text)[:budget].tolist()


def test_counts_for_the_check_sheet_are_of_the_documents_kept(
    tmp_path: Path, corpus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus(Once())
    prepared = prepare(small(tmp_path, min_documents=2, max_tokens=3))
    texts = {i: words(d.joined().text).texts for i in range(COUNT) if (d := document(i)).codes}
    assert prepared.card["check_sheet"] == [
        {"what": "note rows", "yours": 9},
        {"what": "train documents", "yours": sum(document(i).split == "train" for i in texts)},
        {"what": "tokens", "yours": sum(map(len, texts.values()))},
        {"what": "types", "yours": len({word for found in texts.values() for word in found})},
        {"what": "vocabulary", "yours": prepared.reader.size - 2},
    ]
    assert max(map(len, (prepared.tokens[i] for i in range(len(texts))))) == 3


def test_other_tools_read_the_folder(tmp_path: Path, corpus: Any) -> None:
    corpus(Once())
    one = small(tmp_path)
    prepared = prepare(one)
    frame = pl.read_parquet(one.prepared / "documents.parquet")
    assert frame.columns == ["id", "patient", "split", "text", "codes", "evidence", "tokens"]
    flat = np.load(one.prepared / "tokens.npy", allow_pickle=False)
    assert flat.dtype == np.int32
    assert frame["tokens"].sum() == len(flat)
    assert flat[: frame["tokens"][0]].tolist() == prepared.tokens[0].tolist()


@pytest.mark.parametrize(
    ("once", "message"),
    [
        (Once(fails_at=0), "ends here"),
        (Once(fails_at=600), "ends here"),
        (Once(crossing=True), "in two splits, train and test"),
        (Once(count=0), "no training documents"),
    ],
)
def test_a_failure_is_told_as_it_is_and_leaves_nothing(
    tmp_path: Path, corpus: Any, monkeypatch: pytest.MonkeyPatch, once: Once, message: str
) -> None:
    corpus(once)
    one = small(tmp_path)
    with pytest.raises(InputError, match=message):
        prepare(one)
    assert list(one.folder.iterdir()) == []


@pytest.mark.parametrize("step", ["write", "keep"])
def test_a_full_disk_is_told_as_what_it_is(tmp_path: Path, step: str) -> None:
    resource = pytest.importorskip("resource", reason="no limits of files here")
    path, documents = tmp_path / rows.FILE, [document(i) for i in range(20_000)]
    rows.write(path, iter(documents if step == "keep" else []), one_each)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match=r"(File too large|is the disk full\?): '.*documents\.parquet'"):
            if step == "keep":
                rows.keep(path, np.ones(len(documents), dtype=np.bool_))
            else:
                rows.write(path, iter(documents), one_each)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_a_killed_prepare_left_is_taken_away(tmp_path: Path, corpus: Any) -> None:
    corpus(Once(count=20))
    one = small(tmp_path)
    left = one.folder / ".prepared.x1y2"
    left.mkdir(parents=True)
    (left / "documents.parquet").write_text("notes")
    prepare(one)
    assert [path.name for path in one.folder.iterdir()] == ["prepared"]


def test_documents_are_a_sequence(tmp_path: Path, corpus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "ROWS", 16)
    corpus(Once(count=50))
    found = Prepared.load(prepare(small(tmp_path)).documents._path.parent).documents
    ids = [d.id for d in found]
    assert [found[i].id for i in reversed(range(len(found)))] == ids[::-1]
    assert found[-1].id == ids[-1]
    assert [d.id for d in found[3:40:5]] == ids[3:40:5]
    with pytest.raises(IndexError):
        found[len(found)]
    assert "pain" not in repr(found)


def test_what_needs_no_text_reads_none(tmp_path: Path, corpus: Any) -> None:
    corpus(Once(count=50))
    found = prepare(small(tmp_path)).documents
    assert found.annotated().tolist() == [d.evidence is not None for d in found]
    assert found.code_counts().tolist() == [len(d.codes) for d in found]
    assert 0 < found.annotated().sum() < len(found)


def test_an_older_folder_is_refused_with_the_way_out(
    tmp_path: Path, corpus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from icdcoder.core.errors import ArtefactError

    corpus(Once(count=20))
    one = small(tmp_path)
    prepare(one)
    card = one.prepared / "card.json"
    card.write_text(card.read_text().replace('"format": 2', '"format": 1'))
    with pytest.raises(ArtefactError, match="format 1.*--fresh"):
        prepare(one)


def test_the_settings_of_a_reader_are_checked_beside_the_shared_ones() -> None:
    from icdcoder.core.errors import ConfigError
    from icdcoder.text.reader import resolve

    shared, own = resolve({"max_tokens": 9, "min_documents": 2})
    assert (shared.max_tokens, own) == (9, Config(min_documents=2))
    for table, message in (
        ({"max_token": 3}, "Did you mean 'max_tokens'"),
        ({"min_document": 3}, "Did you mean 'min_documents'"),
        ({"tokens": "wordz"}, "Did you mean 'words'"),
        ({"tokens": 3}, "names one of"),
        ({"min_documents": 0}, "text.min_documents"),
    ):
        with pytest.raises(ConfigError, match=message):
            resolve(table)
