"""What a language model is asked: next tokens, hidden tokens, hidden spans."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from icdcoder.nn.batching import TokenisedNotes
from icdcoder.nn.contract import Batch
from icdcoder.nn.language_model import LanguageModel, measures, penalty_alone, unigram
from icdcoder.nn.objectives import Causal, Masked, SpanCorruption

WORDS = 40
FIRST = 10  # the lowest token that is text


class Reply:
    def __init__(self, logits: torch.Tensor) -> None:
        self.logits = logits


class Recorder(nn.Module):
    """Remembers what it was asked, and knows nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(WORDS))
        self.asked: dict[str, Any] = {}

    def forward(self, **asked: Any) -> Reply:
        self.asked = asked
        rows = asked.get("decoder_input_ids", asked["input_ids"])
        return Reply(self.weight.expand(*rows.shape, WORDS))


def batch(*lengths: int) -> Batch:
    width = max(lengths)
    mask = torch.arange(width) < torch.tensor(lengths)[:, None]
    tokens = torch.randint(FIRST, WORDS, (len(lengths), width), generator=torch.Generator().manual_seed(1))
    return Batch(tokens * mask, mask)


def test_causal_asks_for_every_token_but_the_first() -> None:
    asked = batch(6, 3)
    found = Causal()(Recorder(), asked.tokens, asked.mask, None)
    assert found.tokens.tolist() == [*asked.tokens[0, 1:].tolist(), *asked.tokens[1, 1:3].tolist()]
    assert torch.allclose(found.losses, torch.tensor(float(WORDS)).log())


def test_masked_hides_what_it_asks_for_and_keeps_the_rest() -> None:
    asked, model = batch(300, 200), Recorder()
    objective = Masked(mask_token=4, before=(2,), after=(3,), first=FIRST, size=WORDS)
    found = objective(model, asked.tokens, asked.mask, torch.Generator().manual_seed(0))
    ids, real = model.asked["input_ids"], model.asked["attention_mask"]
    assert ids[:, 0].tolist() == [2, 2]
    assert ids[0, 301] == 3
    assert ids[1, 201] == 3  # right behind the last token of the shorter block
    assert real.sum(1).tolist() == [302, 202]
    seen = ids[:, 1:301]
    changed = (seen != asked.tokens) & asked.mask & (torch.arange(300) < torch.tensor([[300], [200]]))
    assert 0.1 < len(found.tokens) / 500 < 0.2
    assert 0.7 < (seen == 4).sum() / len(found.tokens) < 0.9
    assert changed.sum() <= len(found.tokens)
    assert (found.tokens >= FIRST).all()


def test_masked_always_asks_for_something() -> None:
    asked = batch(1)
    objective = Masked(mask_token=4, before=(2,), after=(3,), first=FIRST, size=WORDS, share=1e-9)
    assert objective(Recorder(), asked.tokens, asked.mask, None).tokens.tolist() == asked.tokens[0].tolist()


SPANS = SpanCorruption(sentinels=tuple(range(2, 10)), end=1, pad=0)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200), st.integers(0, 1000))
def test_input_and_target_of_span_corruption_make_the_block_again(length: int, seed: int) -> None:
    block = torch.randint(FIRST, WORDS, (length,), generator=torch.Generator().manual_seed(seed)).tolist()
    seen, target = SPANS.corrupt(block, torch.Generator().manual_seed(seed))
    assert seen[-1] == target[-1] == 1
    hidden: dict[int, list[int]] = {}
    for token in target[:-1]:
        if token in SPANS.sentinels:
            hidden[token] = []
        else:
            hidden[next(reversed(hidden))].append(token)
    again = [piece for token in seen[:-1] for piece in hidden.get(token, [token])]
    assert again == block
    assert list(hidden) == list(SPANS.sentinels[: len(hidden)])
    assert hidden[next(reversed(hidden))] == []  # the last sentinel closes the list
    if length > 20:
        assert sum(len(part) for part in hidden.values()) == round(0.15 * length)


def test_span_corruption_shows_the_decoder_the_target_one_step_late() -> None:
    model, asked = Recorder(), batch(40, 12)
    found = SPANS(model, asked.tokens, asked.mask, torch.Generator().manual_seed(0))
    first = SPANS.corrupt(asked.tokens[0].tolist(), torch.Generator().manual_seed(0))[1]
    assert model.asked["decoder_input_ids"][0].tolist() == [0, *first[:-1]]
    assert found.tokens[: len(first)].tolist() == first
    assert model.asked["attention_mask"].sum(1)[0] == (model.asked["input_ids"][0] != 0).sum()


def test_the_loss_of_training_is_the_mean_over_what_was_asked() -> None:
    model, asked = LanguageModel(Recorder(), Causal()), batch(5, 4)
    scores = model(asked)
    assert scores.logits.shape == (2, 0)
    assert scores.penalty is not None
    assert torch.allclose(scores.penalty, torch.tensor(float(WORDS)).log())
    assert penalty_alone(scores, asked) == 0


def test_validation_counts_text_only_and_repeats_itself() -> None:
    asked = batch(60, 60)
    blocks = TokenisedNotes(
        [row.numpy().astype("int32") for row in asked.tokens], codes=0, gold=[np.zeros(0, np.int32)] * 2
    )
    model = LanguageModel(Recorder(), SPANS)
    counts = torch.zeros(WORDS, dtype=torch.long)
    counts[FIRST:] = 1000
    floor = unigram(counts)
    assert torch.isclose((-floor).exp().sum(), torch.tensor(1.0))
    first = measures(model, blocks, floor, range(FIRST), 2)
    assert first == measures(model, blocks, floor, range(FIRST), 2)
    assert first["loss"] == pytest.approx(torch.tensor(float(WORDS)).log().item(), rel=1e-5)
    assert first["perplexity"] == pytest.approx(WORDS, rel=1e-4)
    assert first["unigram_loss"] == pytest.approx(torch.tensor(30.0).log().item(), rel=1e-3)
    assert model.training
