from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from icdcoder.core.code import Code
from icdcoder.core.config import build as read_settings
from icdcoder.core.errors import ConfigError, MissingExtraError
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import llm_classifier
from icdcoder.models.llm_classifier import LLMClassifier
from icdcoder.nn.contract import Batch, ModelContext
from icdcoder.nn.losses import binary_cross_entropy
from icdcoder.nn.pretrained.quantised import plain_weight, quantise
from icdcoder.nn.pretrained.token_encoder import self_contained, whole_state
from icdcoder.text.readers.subwords import Subwords

CODES = 5
SPACE = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(CODES))
# 4 bits of weights drawn at random, in rows of 16, are coarse; what is tested is that they are near.
NEAR = {"int8": 0.02, "nf4": 0.25}
BASES = pytest.mark.parametrize("base", ["int8", "nf4"])


def needed() -> None:
    pytest.importorskip("bitsandbytes", reason="needs the extra [quant]")


def build(checkpoint: Path, **settings: object) -> LLMClassifier:
    torch.manual_seed(0)
    config = llm_classifier.Config(checkpoint=checkpoint, lora_dropout=0.0, **settings)
    return llm_classifier.build(config, ModelContext(Subwords.load(checkpoint).size, SPACE)).eval()


def batch() -> Batch:
    draw = torch.Generator().manual_seed(1)
    tokens = torch.randint(4, 60, (6, 20), generator=draw)
    return Batch(tokens, torch.ones_like(tokens, dtype=torch.bool), (torch.arange(30).view(6, 5) % 3 == 0).float())


@BASES
def test_states_are_near_those_of_whole_weights(checkpoints: dict[str, Path], base: str) -> None:
    needed()
    read = batch()
    whole = build(checkpoints["llama"]).encoder(read.tokens, read.mask)
    rough = build(checkpoints["llama"], base=base).encoder(read.tokens, read.mask)
    assert (rough - whole).norm() / whole.norm() < NEAR[base]


@BASES
@pytest.mark.parametrize("tuning", ["lora", "frozen"])
def test_weights_take_the_bytes_that_were_said(checkpoints: dict[str, Path], base: str, tuning: str) -> None:
    needed()
    model = build(checkpoints["llama"], base=base, tuning=tuning)
    packed = [p for name, p in model.named_parameters() if p.dtype in (torch.int8, torch.uint8)]
    assert len(packed) == 14  # seven linear layers in each of two
    whole = sum(child.in_features * child.out_features for child in model.encoder.model.modules() if _base(child))
    assert sum(p.nbytes for p in packed) == whole * (1 if base == "int8" else 0.5)
    assert all(("lora_" in name) == p.requires_grad for name, p in model.encoder.named_parameters())


def _base(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear) and type(module) is not nn.Linear


@BASES
def test_training_the_adapters_lowers_the_loss_and_leaves_the_base(checkpoints: dict[str, Path], base: str) -> None:
    needed()
    model, read = build(checkpoints["llama"], base=base, lora_rank=4).train(), batch()
    before = {name: p.detach().clone() for name, p in model.named_parameters() if not p.requires_grad}
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = binary_cross_entropy(model(read), read)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
    assert all(p.grad is not None for name, p in model.named_parameters() if "lora_B" in name)
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters() if name in before)


@BASES
def test_a_run_saves_the_adapters_and_goes_on_from_them(checkpoints: dict[str, Path], base: str) -> None:
    needed()
    model, again = build(checkpoints["llama"], base=base), build(checkpoints["llama"], base=base)
    for name, p in model.named_parameters():
        if "lora_B" in name or name.startswith("head"):
            torch.nn.init.normal_(p, 0, 0.3)
    state = model.state_dict()
    assert all("lora_" in name or name.startswith("head") for name in state)
    again.load_state_dict(state)
    assert torch.equal(again(batch()).logits, model(batch()).logits)


@BASES
def test_a_packed_coder_has_whole_weights_and_needs_no_library(checkpoints: dict[str, Path], base: str) -> None:
    needed()
    model = build(checkpoints["llama"], base=base)
    for name, p in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(p, 0, 0.1)
    state = whole_state(model)
    assert all(tensor.is_floating_point() for tensor in state.values())
    given = {"lora_dropout": 0.0, "base": base, "checkpoint": str(checkpoints["llama"])}
    settings = self_contained(given, model)
    assert "base" not in settings
    config = read_settings(llm_classifier.Config, settings, "model")
    alone = llm_classifier.build(config, ModelContext(Subwords.load(checkpoints["llama"]).size, SPACE)).eval()
    alone.load_state_dict(state)
    expected = model(batch()).logits
    assert (alone(batch()).logits - expected).norm() / expected.norm() < 0.02


def test_plain_weights_stay_as_they_are() -> None:
    layer = nn.Linear(3, 2)
    assert torch.equal(plain_weight(nn.Sequential(layer), "0.weight"), layer.weight)


def test_what_is_trained_cannot_be_quantised(checkpoints: dict[str, Path]) -> None:
    with pytest.raises(ConfigError, match=r"int8 cannot be trained.*tuning = 'lora'"):
        read_settings(llm_classifier.Config, {"base": "int8", "tuning": "full"}, "model")
    needed()
    with pytest.raises(ConfigError, match="every linear layer is trained"):
        quantise(nn.Sequential(nn.Linear(3, 3)), "int8")


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(MissingExtraError, match=r"nf4 weights needs the extra \[quant\]"):
        quantise(nn.Sequential(nn.Linear(3, 3)).requires_grad_(False), "nf4")
