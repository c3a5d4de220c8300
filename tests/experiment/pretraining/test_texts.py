"""Sources of text: each gives its texts, and says what is wrong without showing one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from icdcoder.core import components
from icdcoder.core.errors import ConfigError, InputError
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.pretraining.config import SOURCES


def texts(kind: str, **settings: Any) -> list[str]:
    module = components.load(SOURCES, kind)
    return list(module.texts(module.Config(**settings)))


def test_jsonl(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text("\n".join(json.dumps({"id": i, "body": f"note {i}"}) for i in range(3)) + "\n\n", encoding="utf-8")
    assert texts("jsonl", path=path, column="body") == ["note 0", "note 1", "note 2"]
    with pytest.raises(InputError, match=r"line 1: there is no text in the column 'text'"):
        texts("jsonl", path=path)
    path.write_text('{"text": "a secret"}\nsecret words\n', encoding="utf-8")
    with pytest.raises(InputError, match="line 2") as raised:
        texts("jsonl", path=path)
    assert "secret" not in str(raised.value)
    with pytest.raises(InputError, match="cannot be read"):
        texts("jsonl", path=tmp_path / "none.jsonl")


def test_folder(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name in ("b.txt", "below/a.txt", "c.md"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    assert texts("folder", path=tmp_path) == ["b.txt", "below/a.txt"]
    (tmp_path / "z.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"z\.txt is not a text file"):
        texts("folder", path=tmp_path)
    with pytest.raises(InputError, match="holds no file"):
        texts("folder", path=tmp_path, pattern="*.rtf")


def test_a_corpus_gives_its_training_part_unless_asked() -> None:
    corpus = {"kind": "synthetic", "documents": 40, "codes": 6}
    every = components.load("corpora", "synthetic")
    documents = every.read(every.Config(documents=40, codes=6)).documents
    assert texts("corpus", corpus=corpus) == [d.joined().text for d in documents if d.split == "train"]
    held_out = texts("corpus", corpus=corpus, splits=("validation", "test"))
    assert not set(held_out) & set(texts("corpus", corpus=corpus))
    assert len(held_out) == sum(d.split != "train" for d in documents)
    with pytest.raises(ConfigError, match=r"corpus\.kind"):
        texts("corpus", corpus={})


def test_a_prepared_folder_gives_its_training_part(done: Experiment) -> None:
    corpus = {"kind": "synthetic", "documents": 160, "codes": 12}
    assert texts("prepared", path=done.prepared) == texts("corpus", corpus=corpus)


def test_descriptions_are_one_text_a_category() -> None:
    found = texts("descriptions", systems=("icd9cm",))
    essential = next(text for text in found if text.startswith("401 "))
    assert "401.9 " in essential
    assert "402" not in essential
