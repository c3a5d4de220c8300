"""Training from the cache of frozen states is training on the fly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import llm_multirescnn
from icdcoder.nn.batching import TokenisedNotes
from icdcoder.nn.contract import ModelContext
from icdcoder.nn.pretrained.frozen_states import ComputesBeforeTraining
from icdcoder.text.readers.subwords import Subwords
from icdcoder.train.config import TrainConfig
from icdcoder.train.loop import train

CODES = 4
SPACE = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(CODES))
SETTINGS: dict[str, Any] = {"reduction": "cnn-8", "kernels": (3,), "blocks": (6,), "cache_reserve_gb": 0}
LENGTHS = (9, 3, 14, 9, 1, 30)


@pytest.fixture
def checkpoint(checkpoints: dict[str, Path]) -> Path:
    return checkpoints["llama"]


@pytest.fixture
def notes() -> TokenisedNotes:
    rng = np.random.default_rng(0)
    tokens = [rng.integers(4, 60, length).astype(np.int32) for length in LENGTHS]
    gold = [np.array([i % CODES], dtype=np.int32) for i in range(len(LENGTHS))]
    return TokenisedNotes(tokens, CODES, gold)


def build(checkpoint: Path, **changes: Any) -> Any:
    torch.manual_seed(0)
    config = llm_multirescnn.Config(checkpoint=checkpoint, **{**SETTINGS, **changes})
    return llm_multirescnn.build(config, ModelContext(Subwords.load(checkpoint).size, SPACE))


def trained(model: Any, notes: TokenisedNotes, folder: Path, batch_size: int) -> dict[str, torch.Tensor]:
    config = TrainConfig(epochs=3, batch_size=batch_size, learning_rate=0.01, monitor="none", patience=0)
    model.before_training([notes])
    train(model, notes, lambda module, epoch: {"none": 0.0}, config, folder, cpu=True)
    return {name: weight.clone() for name, weight in model.state_dict().items()}


@pytest.mark.parametrize("layer", [-1, 1, "mix"])
def test_training_from_a_float32_cache_is_training_on_the_fly(
    checkpoint: Path, notes: TokenisedNotes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layer: Any
) -> None:
    monkeypatch.setattr(llm_multirescnn, "TOGETHER", 1)  # one note at a time, as below: the same sums in the same order
    plain = trained(build(checkpoint, layer=layer), notes, tmp_path / "plain", 1)
    model = build(checkpoint, layer=layer, cache=tmp_path / "states", cache_type="float32")
    from_cache = trained(model, notes, tmp_path / "cached", 1)
    assert plain.keys() == from_cache.keys()
    assert all(torch.equal(plain[name], from_cache[name]) for name in plain)


@pytest.mark.parametrize(("cache_type", "close"), [("float32", 1e-4), ("bfloat16", 0.03), ("int8", 0.05)])
def test_training_from_a_smaller_cache_is_close(
    checkpoint: Path, notes: TokenisedNotes, tmp_path: Path, cache_type: str, close: float
) -> None:
    build_one = {"plain": {}, "cached": {"cache": tmp_path / "states", "cache_type": cache_type}}
    scores = {}
    for name, changes in build_one.items():
        model = build(checkpoint, dropout=0.0, **changes)
        trained(model, notes, tmp_path / name, 3)
        scores[name] = torch.sigmoid(model.eval()(notes.batch(range(6))).logits)
    assert (scores["plain"] - scores["cached"]).abs().max() < close


def test_the_model_is_not_asked_again_for_what_the_cache_holds(
    checkpoint: Path, notes: TokenisedNotes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build(checkpoint, cache=tmp_path / "states").eval()
    found: object = model
    assert isinstance(found, ComputesBeforeTraining)
    model.before_training([notes])
    before = model.states(notes.batch(range(6)))
    monkeypatch.setattr(model.encoder.model, "forward", None)
    assert torch.equal(model.states(notes.batch(range(6))), before)
    again = build(checkpoint, cache=tmp_path / "states").eval()
    monkeypatch.setattr(again.encoder.model, "forward", None)
    assert torch.equal(again.states(notes.batch(range(6))), before)


def test_a_note_that_is_not_in_the_cache_is_computed(checkpoint: Path, notes: TokenisedNotes, tmp_path: Path) -> None:
    model = build(checkpoint, cache=tmp_path / "states", cache_type="float32").eval()
    model.before_training([TokenisedNotes(notes.tokens[:2], CODES)])
    plain = build(checkpoint).eval()
    batch = notes.batch(range(6))
    assert torch.allclose(model.states(batch), plain.states(batch), atol=1e-5)
    assert len(model.layers.cache) == 2  # scoring writes nothing


@pytest.mark.parametrize("changes", [{"layer": 1}, {"chunk": 8}, {"context": 128}, {"bidirectional": True}])
def test_states_that_were_made_otherwise_are_not_taken(
    checkpoint: Path, notes: TokenisedNotes, tmp_path: Path, changes: dict[str, Any]
) -> None:
    build(checkpoint, cache=tmp_path).before_training([notes])
    other = build(checkpoint, cache=tmp_path, **changes)
    assert len(other.layers.cache) == 0


def test_other_weights_in_the_same_folder_are_another_model(
    checkpoint: Path, notes: TokenisedNotes, tmp_path: Path
) -> None:
    build(checkpoint, cache=tmp_path).before_training([notes])
    other = build(checkpoint, cache=tmp_path)
    next(iter(other.encoder.model.parameters())).data[0, 0] += 1
    assert len(other.layers.cache) == 0


def test_a_model_that_is_trained_has_no_cache(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"frozen = true"):
        build(checkpoint, cache=tmp_path, frozen=False)
