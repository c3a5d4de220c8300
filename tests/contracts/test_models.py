"""What every member of `models/` promises (nn/contract.py). A new model is tested here without a line being added;
one whose default sizes are too large for a test may list smaller ones in SMALL. Where a model has no attention over
tokens, what is promised of attention is skipped."""

from __future__ import annotations

import zlib
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from icdcoder import systems
from icdcoder.core import components
from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.nn.contract import PAD, Batch, CodingModel, ModelContext
from icdcoder.nn.losses import binary_cross_entropy

KINDS = components.names("models")
# A pretrained model without its weights; eight places a chunk, two of them for special tokens.
ARCHITECTURE: dict[str, Any] = {
    "config": {
        "model_type": "bert",
        "vocab_size": 40,
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 64,
        "initializer_range": 0.2,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    },
    "prefix": [30],
    "suffix": [31],
}
WRITER: dict[str, Any] = {
    "config": {
        "model_type": "t5",
        "vocab_size": 40,
        "d_model": 32,
        "d_kv": 16,
        "d_ff": 32,
        "num_layers": 1,
        "num_heads": 2,
        "dropout_rate": 0.0,
    },
    "prefix": [],
    "suffix": [1],
}
SMALL: dict[str, dict[str, Any]] = {
    "bigru": {"embedding": 16, "hidden": 24},
    "c_lstm_att": {"letters": 8, "hidden": 24, "item_tokens": 3},
    "c_memnn": {"embedding": 32, "page_tokens": 20},
    "kg_multirescnn": {"embedding": 16, "kernels": (3, 5), "blocks": (8,), "graph_width": 6, "graph_epochs": 1},
    "caml": {"embedding": 16, "filters": 24, "kernel": 4},
    "cnn": {"embedding": 16, "filters": 48, "kernel": 3},
    "multirescnn": {"embedding": 16, "kernels": (3, 5), "blocks": (12, 8)},
    "dr_caml": {"embedding": 16, "filters": 24, "kernel": 4},
    "joint_laat": {"embedding": 16, "hidden": 12, "attended": 16, "projection": 8},
    "msmn": {
        "embedding": 16,
        "hidden": 24,
        "layers": 1,
        "attended": 16,
        "synonyms": 2,
        "synonym_tokens": 12,
        "dropout": 0.0,
    },
    "transicd": {"embedding": 16, "heads": 2, "dropout": 0.0},
    "generative_coder": {"architecture": WRITER, "attended": 24},
    "hilat": {"architecture": ARCHITECTURE, "chunk": 8},
    "llm_classifier": {"architecture": ARCHITECTURE, "tuning": "full", "pooling": "label_attention"},
    "llm_multirescnn": {
        "architecture": ARCHITECTURE,
        "reduction": "cnn-24_map_16",
        "layer": "mix",
        "kernels": (3, 5),
        "blocks": (12, 8),
    },
    "plm_ca": {"architecture": ARCHITECTURE, "chunk": 8, "overlap": 2},
    "plm_icd": {"architecture": ARCHITECTURE, "chunk": 8, "overlap": 2},
    "laat": {"embedding": 16, "hidden": 12, "attended": 16, "layers": 2},
    "xr_lat": {
        "encoder": "lstm",
        "embedding": 16,
        "hidden": 12,
        "batches_per_level": 0,
        "sampling": False,  # where it cuts, the least difference decides
        "hyperbolic": True,
        "poincare_width": 4,
        "poincare_epochs": 1,
    },
}
# The learning rate by which notes are learnt by heart, where 0.03 is too much for a model.
LEARNING = {"generative_coder": 0.01, "plm_ca": 0.003, "llm_classifier": 0.005}
# Most models need 15 to 60; no more are taken than are needed.
MOST_STEPS = 400
WORDS = 30
CODES = 37  # no other size of any model, so that a parameter with 37 rows has one row a code


SPACE = LabelSpace(islice(systems.load("icd10cm").billable(), 100, 100 + 3 * CODES, 3))


def encode(text: str) -> np.ndarray:
    """Any word is one of the vocabulary."""
    return np.array([2 + zlib.crc32(word.encode()) % (WORDS - 2) for word in text.lower().split()], dtype=np.int32)


def make(kind: str, seed: int = 0, *, bare: bool = False) -> nn.Module:
    """bare: without what a model that gets its weights from a file need not know."""
    module = components.load("models", kind)
    torch.manual_seed(seed)
    known = {}
    if not bare:
        words = ["<padding>", "<unknown>", *(f"word{i}" for i in range(2, WORDS))]
        known = {
            "encode": encode,
            "words": words,
            "code_notes": [1 + i % 5 for i in range(CODES)],
            "word_notes": np.arange(WORDS)[::-1].copy,
        }
    return module.build(module.Config(**SMALL.get(kind, {})), ModelContext(WORDS, SPACE, **known))


def notes(*lengths: int, width: int | None = None) -> Batch:
    """Notes of real tokens, the same for the same order of lengths, padded to `width`."""
    random = torch.Generator().manual_seed(3)
    tokens = torch.full((len(lengths), width or max(lengths)), PAD)
    for row, length in zip(tokens, lengths, strict=True):
        row[:length] = torch.randint(2, WORDS, (length,), generator=random)
    return Batch(tokens, tokens != PAD)


def only(batch: Batch, *rows: int, width: int | None = None) -> Batch:
    """Some rows of a batch, cut to `width`."""
    index = list(rows)
    return Batch(batch.tokens[index, :width], batch.mask[index, :width])


def attends(model: nn.Module) -> bool:
    return model(notes(3), attention_codes=torch.tensor([0])).attention is not None


def logits(model: nn.Module, batch: Batch) -> Tensor:
    with torch.inference_mode():
        return model(batch).logits


def with_gold(batch: Batch) -> Batch:
    targets = (torch.rand(len(batch.tokens), CODES, generator=torch.Generator().manual_seed(2)) < 0.2).float()
    return replace(batch, targets=targets)


def loss(model: nn.Module, batch: Batch) -> Tensor:
    """What training minimises."""
    scores = model(batch)
    found = binary_cross_entropy(scores, batch)
    return found if scores.penalty is None else found + scores.penalty


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    if "architecture" in SMALL.get(request.param, {}):
        pytest.importorskip("transformers", reason="needs the extra [llm]")
    return request.param


@pytest.fixture
def model(kind: str) -> nn.Module:
    """In evaluation, after two steps of training, so that nothing is at its initial value."""
    made = make(kind)
    optimiser = torch.optim.SGD(made.parameters(), lr=0.5)
    for lengths in ((9, 6, 12), (7, 7, 3)):
        optimiser.zero_grad()
        loss(made, with_gold(notes(*lengths))).backward()
        optimiser.step()
    return made.eval()


def test_there_are_models() -> None:
    assert {"caml", "laat", "multirescnn"} <= set(KINDS)


def test_it_keeps_the_contract(model: nn.Module) -> None:
    assert isinstance(model, CodingModel)
    scores = model(notes(9, 4))
    assert scores.logits.shape == (2, CODES)
    assert scores.attention is None


def test_attention_is_a_distribution_over_real_tokens(model: nn.Module) -> None:
    if not attends(model):
        pytest.skip("this model has no attention over tokens")
    batch = notes(9, 4, 1, width=11)
    attention = model(batch, attention_codes=torch.tensor([30, 2])).attention
    assert attention.shape == (3, 2, 11)
    assert (attention >= 0).all()
    assert not attention.transpose(1, 2)[~batch.mask].any()
    torch.testing.assert_close(attention.sum(2), torch.ones(3, 2))


def test_attention_is_in_the_order_asked_and_leaves_the_logits_alone(model: nn.Module) -> None:
    batch = notes(9, 4)
    every = model(batch, attention_codes=torch.arange(CODES))
    some = model(batch, attention_codes=torch.tensor([8, 0, 8]))
    if every.attention is not None:
        torch.testing.assert_close(some.attention, every.attention[:, [8, 0, 8]])
    assert torch.equal(some.logits, model(batch).logits)


def test_padding_changes_nothing(model: nn.Module) -> None:
    wide = notes(9, 4, 1, width=40)
    for row, length in enumerate((9, 4, 1)):
        alone = model(only(wide, row, width=length), attention_codes=torch.tensor([5]))
        padded = model(only(wide, row), attention_codes=torch.tensor([5]))
        torch.testing.assert_close(alone.logits, padded.logits, atol=1e-6, rtol=1e-5)
        if alone.attention is not None:
            torch.testing.assert_close(alone.attention, padded.attention[..., :length], atol=1e-6, rtol=1e-5)


def test_what_stands_at_padding_has_no_influence(model: nn.Module) -> None:
    batch = notes(9, 4, 1, width=14)
    other = replace(batch, tokens=batch.tokens.masked_fill(~batch.mask, 7))
    torch.testing.assert_close(logits(model, batch), logits(model, other), atol=1e-6, rtol=1e-5)


def test_the_other_notes_of_a_batch_change_nothing(model: nn.Module) -> None:
    together = notes(12, 3, 8, 5, 1)
    expected = logits(model, together)
    order = (3, 0, 4)
    torch.testing.assert_close(logits(model, only(together, *order)), expected[list(order)], atol=1e-6, rtol=1e-5)


def test_permuting_the_codes_permutes_the_logits(kind: str, model: nn.Module) -> None:
    order = torch.randperm(CODES, generator=torch.Generator().manual_seed(1))
    permuted = make(kind).eval()
    state = {k: v[order] if v.dim() and len(v) == CODES else v for k, v in model.state_dict().items()}
    assert any(v.dim() and len(v) == CODES for v in state.values())
    permuted.load_state_dict(state)
    batch = notes(9, 4)
    torch.testing.assert_close(logits(permuted, batch), logits(model, batch)[:, order], atol=1e-6, rtol=1e-5)


def test_a_note_without_a_token_gets_finite_logits(model: nn.Module) -> None:
    batch = notes(5, 0, 2)
    scores = model(batch, attention_codes=torch.tensor([1]))
    assert torch.isfinite(scores.logits).all()
    assert scores.attention is None or not scores.attention[1].any()
    torch.testing.assert_close(logits(model, only(batch, 1)), scores.logits[1:2], atol=1e-6, rtol=1e-5)


def test_training_on_notes_without_tokens_keeps_the_weights_finite(kind: str) -> None:
    model = make(kind)
    for lengths in ((5, 0, 2), (0, 0), (1,)):
        loss(model, with_gold(notes(*lengths, width=6))).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert all(torch.isfinite(b).all() for b in model.buffers())


def test_every_weight_is_trained(kind: str) -> None:
    model = make(kind)
    loss(model, with_gold(notes(9, 4))).backward()
    assert [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None] == []


def test_eight_notes_are_learnt_by_heart(kind: str) -> None:
    model = make(kind)
    batch = with_gold(notes(14, 12, 11, 9, 8, 6, 5, 4))
    targets = batch.targets
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING.get(kind, 0.03))
    for _ in range(MOST_STEPS):
        optimiser.zero_grad()
        loss(model, batch).backward()
        optimiser.step()
        if torch.equal(logits(model.eval(), batch) > 0, targets > 0):
            return
        model.train()
    wrong = int(((logits(model.eval(), batch) > 0) != (targets > 0)).sum())
    pytest.fail(f"after {MOST_STEPS} steps {wrong} of {targets.numel()} decisions are wrong")


def test_saved_weights_score_exactly_the_same(kind: str, model: nn.Module, tmp_path: Path) -> None:
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    loaded = make(kind, seed=99, bare=True)
    loaded.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    batch = notes(9, 4)
    assert torch.equal(logits(loaded.eval(), batch), logits(model, batch))


def test_a_seed_fixes_weights_scores_and_gradients(kind: str) -> None:
    found = []
    for _ in range(2):
        model = make(kind, seed=5)
        torch.manual_seed(6)  # of the dropout
        loss = model(notes(9, 4)).logits.pow(2).mean()
        loss.backward()
        found.append([loss.detach(), *(p.grad for p in model.parameters() if p.grad is not None)])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_dropout_and_other_chance_end_with_training(model: nn.Module) -> None:
    batch = notes(9, 4)
    assert torch.equal(logits(model, batch), logits(model, batch))


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_autocast_to_half_precision_trains_and_stays_close(kind: str, model: nn.Module, half: torch.dtype) -> None:
    batch = notes(9, 4, 0)
    exact = logits(model, batch)
    model.train()
    with torch.autocast("cpu", dtype=half):
        scores = model(batch, attention_codes=torch.tensor([3]))
        scores.logits.float().pow(2).mean().backward()
        rounded = logits(model.eval(), batch)
    assert torch.isfinite(scores.logits).all()
    assert scores.attention is None or torch.isfinite(scores.attention).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert (rounded.float() - exact).abs().max() < 0.1 * (1 + exact.abs().max())


def test_word_vectors_that_are_given_are_used(kind: str) -> None:
    module = components.load("models", kind)
    config = module.Config(**SMALL.get(kind, {}))
    if "embedding" not in type(config).model_fields:
        pytest.skip("this model takes no word vectors")
    vectors = torch.randn(WORDS, config.embedding)
    space = LabelSpace([Code("icd10cm", "A00")])
    model = module.build(config, ModelContext(WORDS, space, vectors))
    assert any(p.shape == vectors.shape and torch.equal(p[2:], vectors[2:]) for p in model.parameters())


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_weights_of_half_the_size_give_finite_scores(kind: str, half: torch.dtype) -> None:
    halved = make(kind).eval().to(half)
    assert logits(halved, notes(9, 4, 0)).isfinite().all()


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_large_weights_and_long_notes_stay_in_the_range_of_half_precision(kind: str, half: torch.dtype) -> None:
    made = make(kind).eval()
    with torch.no_grad():
        for weight in made.parameters():
            weight.mul_(8)
    batch = notes(60, 4, 0)
    with torch.autocast("cpu", dtype=half):
        mixed = made(batch, attention_codes=torch.tensor([3]))
    halved = made.to(half)(batch, attention_codes=torch.tensor([3]))
    for scores in (mixed, halved):
        assert scores.logits.isfinite().all()
        assert scores.attention is None or scores.attention.isfinite().all()
