"""What a rehearsal counts is what torch measures when the same model computes in earnest."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from icdcoder import systems
from icdcoder.core import components
from icdcoder.core.label_space import LabelSpace
from icdcoder.experiment.planning.measured import measured_peak
from icdcoder.experiment.planning.plan import scoring_memory, step_memory
from icdcoder.experiment.planning.rehearsal import emptied, empty, rehearsing
from icdcoder.nn.contract import Batch, ModelContext, channels_of
from icdcoder.train.steps import binary_cross_entropy

WORDS, CODES = 200, 60
SMALL: dict[str, Any] = {"vocab_size": WORDS, "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4}
QUIET = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
LLAMA = {"model_type": "llama", **SMALL, "num_key_value_heads": 2, "intermediate_size": 96}
BERT = {"model_type": "bert", **SMALL, "intermediate_size": 128, **QUIET}
T5_SIZES = {"d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 3, "num_decoder_layers": 1, "num_heads": 4}
T5 = {"model_type": "t5", "vocab_size": WORDS, **T5_SIZES, "dropout_rate": 0.0}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama full": ("llm_classifier", {"config": LLAMA, "tuning": "full"}),
    "llama lora": ("llm_classifier", {"config": LLAMA, "tuning": "lora", "lora_dropout": 0.0}),
    "llama checkpointing": ("llm_classifier", {"config": LLAMA, "tuning": "full", "gradient_checkpointing": True}),
    "llama frozen": ("llm_classifier", {"config": LLAMA, "tuning": "frozen", "pooling": "label_attention"}),
    "bert full": ("llm_classifier", {"config": BERT, "tuning": "full", "pooling": "mean"}),
    "bert chunks": ("plm_icd", {"config": BERT, "chunk": 32}),
    "t5 full": ("llm_classifier", {"config": T5, "tuning": "full"}),
    "frozen states": ("llm_multirescnn", {"config": LLAMA, "reduction": "cnn-48_map_32", "kernels": (3, 5)}),
    "caml": ("caml", {}),
    "multirescnn": ("multirescnn", {}),
}


def built(kind: str, settings: dict[str, Any], device: str = "cpu") -> nn.Module:
    settings = dict(settings)
    if "config" in settings:
        settings["architecture"] = {"config": settings.pop("config"), "prefix": [2], "suffix": []}
    module = components.load("models", kind)
    space = LabelSpace(islice(systems.load("icd10cm").billable(), 100, 100 + CODES))
    with torch.device(device):
        return module.build(module.Config(**settings), ModelContext(WORDS, space))


def batch(model: nn.Module, notes: int = 4, tokens: int = 96) -> Batch:
    read = torch.randint(4, WORDS, (notes, tokens))
    channels = {name: torch.zeros(notes, tokens, dtype=torch.long) for name in channels_of(model)}
    gold = (torch.rand(notes, CODES) < 0.2).float()
    return Batch(read, torch.ones(notes, tokens, dtype=torch.bool), gold, channels)


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    if CASES[request.param][0] in ("llm_classifier", "llm_multirescnn", "plm_icd"):
        pytest.importorskip("transformers", reason="needs the extra [llm]")
    return CASES[request.param]


def test_parameters_flops_and_memory_are_those_of_the_model(case: tuple[str, dict[str, Any]]) -> None:
    real, light = built(*case).train(), emptied(built(*case, device="meta"))
    for one, other in zip(real.parameters(), light.parameters(), strict=True):
        assert (one.shape, one.dtype, one.requires_grad) == (other.shape, other.dtype, other.requires_grad)
    # oneDNN's scratch memory for convolutions is not seen, and weighs in small batches.
    read = batch(real) if case[1].get("config") else batch(real, 8, 800)
    memory, work = step_memory(light, read)

    def step() -> None:
        real.zero_grad(set_to_none=True)
        scores = real(read)
        loss = binary_cross_entropy(scores, read)
        del scores
        loss.backward()

    with FlopCounterMode(display=False) as counted:
        step()
    # torch counts no FLOPs of the CPU's fused attention; the tests below do.
    if not case[1].get("config"):
        assert sum(one.flops for _, part in work.parts for one in part) == counted.get_total_flops()
    real.zero_grad(set_to_none=True)
    state = sum(p.nbytes for p in real.parameters()) + sum(b.nbytes for b in real.buffers())
    adam = sum(2 * 4 * p.numel() for p in real.parameters() if p.requires_grad)
    assert memory.weights == state
    assert memory.optimiser == adam
    real.zero_grad(set_to_none=True)
    expected = memory.peak - memory.weights - memory.optimiser
    assert expected == pytest.approx(measured_peak(lambda: (step(), real.zero_grad(set_to_none=True))), rel=0.1)


@pytest.mark.parametrize("tuning", ["full", "lora"])
@pytest.mark.parametrize("config", [LLAMA, BERT], ids=["llama", "bert"])
def test_flops_of_a_transformer_are_those_that_torch_counts(config: dict[str, Any], tuning: str) -> None:
    pytest.importorskip("transformers", reason="needs the extra [llm]")
    settings = {"config": config, "tuning": tuning, "attention": "eager"}
    real, light = built("llm_classifier", settings).train(), emptied(built("llm_classifier", settings, "meta"))
    read = batch(real)
    with FlopCounterMode(display=False) as counted:
        binary_cross_entropy(real(read), read).backward()
    _, work = step_memory(light, read)
    assert work.flops_a_note * 4 == pytest.approx(counted.get_total_flops(), rel=0.02)


def test_flops_of_llama_are_those_of_its_equations() -> None:
    """2 for each weight of a linear layer and token, and 4 tokens² hidden for the two products of attention."""
    pytest.importorskip("transformers", reason="needs the extra [llm]")
    light = emptied(built("llm_classifier", {"config": LLAMA, "tuning": "frozen"}, "meta"))
    hidden, inner, heads, groups, layers, tokens = 64, 96, 4, 2, 3, 97  # a special token stands before the note
    keys = hidden * groups // heads
    linear = layers * (2 * hidden * hidden + 2 * hidden * keys + 3 * hidden * inner)
    expected = 2 * linear * tokens + layers * 4 * tokens**2 * hidden + 2 * hidden * CODES
    _, work = scoring_memory(light, batch(light))
    pooled = 2 * 96 * hidden  # the product that takes the last token out of all
    assert work.flops_a_note == pytest.approx(expected + pooled, rel=1e-6)


def test_parameters_of_llama_are_those_of_its_equations() -> None:
    pytest.importorskip("transformers", reason="needs the extra [llm]")
    light = emptied(built("llm_classifier", {"config": LLAMA, "tuning": "lora", "lora_rank": 2}, "meta"))
    hidden, inner, keys, layers, rank = 64, 96, 32, 3, 2
    linear = 2 * hidden * hidden + 2 * hidden * keys + 3 * hidden * inner
    adapters = rank * (2 * 2 * hidden + 2 * (hidden + keys) + 3 * (hidden + inner))
    head = CODES * (hidden + 1)
    pretrained = WORDS * hidden + layers * (linear + 2 * hidden) + hidden
    assert sum(p.numel() for p in light.parameters()) == pretrained + layers * adapters + head
    assert sum(p.numel() for p in light.parameters() if p.requires_grad) == layers * adapters + head


def test_an_lstm_is_counted_by_its_gates() -> None:
    light = emptied(nn.LSTM(10, 7, batch_first=True))
    with rehearsing() as found, torch.no_grad():
        light(empty(3, 20, 10))
    assert found.flops == 2 * 3 * 20 * 4 * 7 * (10 + 7)


def test_packed_recurrences_cost_what_whole_ones_do() -> None:
    light = emptied(nn.GRU(10, 7, batch_first=True, bidirectional=True))
    packed = nn.utils.rnn.pack_padded_sequence
    with rehearsing() as found:
        states = empty(3, 20, 10)
        out, _ = light(packed(states, torch.tensor([20, 20, 20]), batch_first=True, enforce_sorted=False))
        forward = found.flops
        out.data.sum().backward()
    assert out.data.shape == (60, 14)
    assert forward == 2 * 3 * 20 * 2 * 3 * 7 * (10 + 7)
    assert found.flops == 3 * forward
    assert all(weight.grad is not None for weight in light.parameters())


def test_mixed_precision_keeps_half_and_computes_with_16_bits() -> None:
    light = emptied(built("multirescnn", {}, "meta"))
    whole, _ = step_memory(light, batch(light, 8, 800))
    half, work = step_memory(light, batch(light, 8, 800), half=True)
    assert half.activations < 0.8 * whole.activations
    assert 16 in {one.bits for _, part in work.parts for one in part if one.flops}


def test_checkpointing_trades_memory_for_arithmetic() -> None:
    pytest.importorskip("transformers", reason="needs the extra [llm]")
    plain, spared = (
        step_memory(light, batch(light))
        for light in (
            emptied(built("llm_classifier", {"config": LLAMA, "tuning": "full", "gradient_checkpointing": on}, "meta"))
            for on in (False, True)
        )
    )
    assert spared[0].activations < 0.3 * plain[0].activations
    assert 1.2 < spared[1].flops_a_note / plain[1].flops_a_note < 1.4


def test_earlier_batches_of_a_step_leave_their_gradients() -> None:
    light = emptied(built("caml", {}, "meta"))
    alone, _ = step_memory(light, batch(light))
    later, _ = step_memory(light, batch(light), accumulated=True)
    assert alone.peak < later.peak <= alone.peak + 2 * alone.gradients
