from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from icdcoder.core.errors import ArtefactError, ConfigError, MissingExtraError
from icdcoder.text import reader as readers
from icdcoder.text.readers import subwords
from icdcoder.text.readers.subwords import Subwords

KINDS = ("bert", "llama", "roberta", "t5")
NOTE = "Patient with chest pain.\r\nNo fever,\tno chills \n naïve Café 😀 ½ pain  "


@pytest.mark.parametrize("kind", KINDS)
def test_offsets_point_at_what_was_read(checkpoints: dict[str, Path], kind: str) -> None:
    found = Subwords.load(checkpoints[kind]).read(NOTE)
    assert found.ids.dtype == np.int32
    assert found.offsets.dtype == np.int32
    assert (found.offsets[:, 0] <= found.offsets[:, 1]).all()
    assert (np.diff(found.offsets[:, 0]) >= 0).all()
    read = {i for start, end in found.offsets for i in range(start, end)}
    assert read >= {i for i, letter in enumerate(NOTE) if not letter.isspace()}
    pieces = [NOTE[start:end] for start, end in found.offsets]
    assert all(piece == piece.strip() or not piece.strip() for piece in pieces)


@pytest.mark.parametrize("kind", KINDS)
def test_the_three_ways_to_read_agree(checkpoints: dict[str, Path], kind: str) -> None:
    reader = Subwords.load(checkpoints[kind])
    texts = [NOTE, "", "fever", "hypertension on lisinopril 10 mg"]
    for text, ids in zip(texts, reader.encode_all(texts), strict=True):
        np.testing.assert_array_equal(reader.read(text).ids, ids)
        np.testing.assert_array_equal(reader.encode(text), ids)
    assert reader.read("").offsets.shape == (0, 2)
    assert max(map(max, filter(len, reader.encode_all(texts)))) < reader.size


@pytest.mark.parametrize(
    ("kind", "expected"), [("bert", ((2,), (3,))), ("llama", ((2,), ())), ("roberta", ((0,), (2,))), ("t5", ((), (1,)))]
)
def test_special_tokens_are_named_and_left_out(checkpoints: dict[str, Path], kind: str, expected: tuple) -> None:
    reader = Subwords.load(checkpoints[kind])
    assert reader.special_tokens == expected
    assert not set(reader.encode(NOTE)) & {number for part in expected for number in part}


def test_a_text_that_spells_a_special_token_is_read_as_its_characters(checkpoints: dict[str, Path]) -> None:
    found = Subwords.load(checkpoints["bert"]).read("pain [SEP] fever")
    assert 3 not in found.ids
    assert len(found) > 3


def test_a_tokenizer_that_cuts_and_fills_up_is_kept_from_it(checkpoints: dict[str, Path]) -> None:
    definition = json.loads((checkpoints["bert"] / "tokenizer.json").read_text())
    definition["truncation"] = {"max_length": 4, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    definition["padding"] = {
        "strategy": {"Fixed": 64},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    plain, cutting = Subwords.load(checkpoints["bert"]), Subwords(json.dumps(definition))
    for text in (NOTE, "pain"):
        np.testing.assert_array_equal(cutting.encode(text), plain.encode(text))


def test_it_is_the_component_that_the_settings_name(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    text, own = readers.resolve({"tokens": "subwords", "checkpoint": str(checkpoints["llama"]), "max_tokens": 9})
    learner = readers.learner(text, own)
    numbers = learner.numbers()
    drafts = numbers.number([NOTE])
    reader = learner.reader({})
    assert learner.final(reader, ["▁pain"]) is None
    assert max(drafts[0]) < len(numbers.names().split("\n"))
    np.testing.assert_array_equal(drafts[0], reader.encode(NOTE))
    reader.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(reader.files)
    loaded = readers.load(tmp_path, *readers.resolve({"tokens": "subwords"}))
    assert isinstance(loaded, readers.Reader)
    assert loaded.size == reader.size
    np.testing.assert_array_equal(loaded.read(NOTE).offsets, reader.read(NOTE).offsets)


def test_a_file_serves_as_well_as_a_folder(checkpoints: dict[str, Path]) -> None:
    learner = subwords.learner(subwords.Config(checkpoint=checkpoints["t5"] / "tokenizer.json"))
    assert learner.known.size == Subwords.load(checkpoints["t5"]).size


def test_what_is_missing_or_damaged_is_said(tmp_path: Path, tiny_models: ModuleType) -> None:
    with pytest.raises(ConfigError, match=r"text\.checkpoint"):
        subwords.learner(subwords.Config())
    with pytest.raises(ConfigError, match="downloads none unasked"):
        subwords.learner(subwords.Config(checkpoint=Path("no/such/model")))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"save_pretrained"):
        subwords.learner(subwords.Config(checkpoint=tmp_path))
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ConfigError, match="tokenizers can read"):
        subwords.learner(subwords.Config(checkpoint=tmp_path))
    with pytest.raises(ArtefactError, match="damaged"):
        subwords.load(tmp_path, subwords.Config())


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    with pytest.raises(MissingExtraError, match=r"icdcoder\[llm\]"):
        Subwords("{}")
