"""What every member of `models/` promises (nn/contract.py). A new model is tested here without a line being added;
one whose default sizes are too large for a test may list smaller ones in SMALL."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from icdcoder.core import components
from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.nn.contract import PAD, Batch, CodingModel, ModelContext
from icdcoder.nn.losses import binary_cross_entropy

KINDS = components.names("models")
SMALL: dict[str, dict[str, Any]] = {
    "caml": {"embedding": 16, "filters": 24, "kernel": 4},
    "multirescnn": {"embedding": 16, "kernels": (3, 5), "blocks": (12, 8)},
    "laat": {"embedding": 16, "hidden": 12, "attended": 16, "layers": 2},
}
WORDS = 30
CODES = 37  # no other size of any model, so that a parameter with 37 rows has one row a code


def make(kind: str, seed: int = 0, words: int = WORDS) -> nn.Module:
    module = components.load("models", kind)
    torch.manual_seed(seed)
    space = LabelSpace(Code("icd10cm", f"A{i:02}") for i in range(CODES))
    return module.build(module.Config(**SMALL.get(kind, {})), ModelContext(words, space))


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


def logits(model: nn.Module, batch: Batch) -> Tensor:
    with torch.inference_mode():
        return model(batch).logits


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def model(kind: str) -> nn.Module:
    """In evaluation, after two steps of training, so that nothing is at its initial value."""
    made = make(kind)
    optimiser = torch.optim.SGD(made.parameters(), lr=0.5)
    for lengths in ((9, 6, 12), (7, 7, 3)):
        optimiser.zero_grad()
        made(notes(*lengths)).logits.pow(2).mean().backward()
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
    torch.testing.assert_close(some.attention, every.attention[:, [8, 0, 8]])
    assert torch.equal(some.logits, logits(model, batch))


def test_padding_changes_nothing(model: nn.Module) -> None:
    wide = notes(9, 4, 1, width=40)
    for row, length in enumerate((9, 4, 1)):
        alone = model(only(wide, row, width=length), attention_codes=torch.tensor([5]))
        padded = model(only(wide, row), attention_codes=torch.tensor([5]))
        torch.testing.assert_close(alone.logits, padded.logits, atol=1e-6, rtol=1e-5)
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
    assert not scores.attention[1].any()
    torch.testing.assert_close(logits(model, only(batch, 1)), scores.logits[1:2], atol=1e-6, rtol=1e-5)


def test_training_on_notes_without_tokens_keeps_the_weights_finite(kind: str) -> None:
    model = make(kind)
    for lengths in ((5, 0, 2), (0, 0), (1,)):
        model(notes(*lengths, width=6)).logits.pow(2).mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    assert all(torch.isfinite(b).all() for b in model.buffers())


def test_every_weight_is_trained(kind: str) -> None:
    model = make(kind)
    model(notes(9, 4)).logits.pow(2).mean().backward()
    assert [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None] == []


def test_eight_notes_are_learnt_by_heart(kind: str) -> None:
    model = make(kind)
    targets = (torch.rand(8, CODES, generator=torch.Generator().manual_seed(2)) < 0.2).float()
    batch = replace(notes(14, 12, 11, 9, 8, 6, 5, 4), targets=targets)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(60):
        optimiser.zero_grad()
        binary_cross_entropy(model(batch), batch).backward()
        optimiser.step()
        if torch.equal(logits(model.eval(), batch) > 0, targets > 0):
            return
        model.train()
    wrong = int(((logits(model.eval(), batch) > 0) != (targets > 0)).sum())
    pytest.fail(f"after 60 steps {wrong} of {targets.numel()} decisions are wrong")


def test_saved_weights_score_exactly_the_same(kind: str, model: nn.Module, tmp_path: Path) -> None:
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    loaded = make(kind, seed=99)
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


def test_bfloat16_autocast_trains_and_stays_close(kind: str, model: nn.Module) -> None:
    batch = notes(9, 4, 0)
    exact = logits(model, batch)
    model.train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = model(batch, attention_codes=torch.tensor([3]))
        scores.logits.float().pow(2).mean().backward()
        rounded = logits(model.eval(), batch)
    assert torch.isfinite(scores.logits).all()
    assert torch.isfinite(scores.attention).all()
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
