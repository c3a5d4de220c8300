from __future__ import annotations

from pathlib import Path

import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import llm_classifier
from icdcoder.models.llm_classifier import LLMClassifier
from icdcoder.nn.asymmetric import asymmetric_loss
from icdcoder.nn.contract import PAD, Batch, ModelContext
from icdcoder.nn.losses import binary_cross_entropy
from icdcoder.nn.pretrained.token_encoder import whole_state
from icdcoder.text.readers.subwords import Subwords

CODES = 5
SPACE = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(CODES))
NOTES = [[13, 4, 5, 6, 7, 8, 9, 13, 13, 20, 21, 22], [5], [9, 8, 7, 24, 12, 6]]


def build(checkpoint: Path, **settings: object) -> LLMClassifier:
    torch.manual_seed(0)
    config = llm_classifier.Config(checkpoint=checkpoint, **settings)
    return llm_classifier.build(config, ModelContext(Subwords.load(checkpoint).size, SPACE)).eval()


def batch(notes: list[list[int]] = NOTES, width: int = 15) -> Batch:
    tokens = torch.tensor([note + [PAD] * (width - len(note)) for note in notes])
    mask = torch.arange(width) < torch.tensor([len(note) for note in notes])[:, None]
    return Batch(tokens, mask, (torch.arange(len(notes) * CODES).view(-1, CODES) % 3 == 0).float())


@pytest.mark.parametrize("kind", ["llama", "bert"])
@pytest.mark.parametrize("pooling", ["last", "mean"])
def test_it_is_a_linear_layer_on_the_pooled_state(checkpoints: dict[str, Path], kind: str, pooling: str) -> None:
    model = build(checkpoints[kind], pooling=pooling)
    prefix, suffix = model.encoder.prefix.tolist(), model.encoder.suffix.tolist()
    logits = model(batch()).logits
    for row, note in zip(logits, NOTES, strict=True):
        ids = torch.tensor([[*prefix, *note, *suffix]])
        states = model.encoder.model(input_ids=ids).last_hidden_state[0, len(prefix) : len(prefix) + len(note)]
        pooled = states[-1] if pooling == "last" else states.mean(0)
        torch.testing.assert_close(row, model.head.weight @ pooled + model.head.bias, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("pooling", ["last", "mean"])
def test_a_pooling_is_no_attention(checkpoints: dict[str, Path], pooling: str) -> None:
    assert build(checkpoints["llama"], pooling=pooling)(batch(), attention_codes=torch.tensor([3, 1])).attention is None


@pytest.mark.parametrize("pooling", ["mean", "label_attention"])
def test_every_chunk_of_a_note_has_a_part_in_its_scores(checkpoints: dict[str, Path], pooling: str) -> None:
    model, note = build(checkpoints["llama"], pooling=pooling, chunk=16), [5 + i for i in range(31)]
    other = [40, *note[1:]]  # in the first chunk; the third holds one token
    assert (model(batch([note], 31)).logits - model(batch([other], 31)).logits).abs().max() > 1e-6


def test_the_last_token_cannot_stand_for_chunks() -> None:
    with pytest.raises(ValueError, match=r"last token has read its own chunk only.*'mean'.*model\.context"):
        llm_classifier.Config(chunk=16)


@pytest.mark.parametrize("tuning", ["full", "lora", "frozen"])
def test_what_is_trained_is_what_was_said(checkpoints: dict[str, Path], tuning: str) -> None:
    model = build(checkpoints["llama"], tuning=tuning, lora_rank=2).train()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)
    for _ in range(2):
        optimiser.zero_grad()
        binary_cross_entropy(model(batch()), batch()).backward()
        optimiser.step()
    changed = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    pretrained = {name for name in before if name.startswith("encoder.")}
    adapters = {name for name in before if "lora_" in name}
    assert changed - pretrained == {"head.weight", "head.bias"}
    assert changed & pretrained == {"full": pretrained, "lora": adapters, "frozen": set()}[tuning]


@pytest.mark.parametrize("settings", [{}, {"pooling": "mean", "chunk": 7}])
def test_adapters_learn_with_checkpointing_too(checkpoints: dict[str, Path], settings: dict) -> None:
    model = build(checkpoints["llama"], tuning="lora", gradient_checkpointing=True, **settings).train()
    binary_cross_entropy(model(batch()), batch()).backward()
    found = [p.grad for name, p in model.named_parameters() if "lora_B" in name]
    assert found
    assert all(gradient is not None and gradient.any() for gradient in found)


def test_saved_adapters_score_the_same_without_the_checkpoint(checkpoints: dict[str, Path]) -> None:
    model = build(checkpoints["llama"], tuning="lora", context=256)
    for p in model.parameters():
        torch.nn.init.normal_(p, 0, 0.3)
    architecture = model.encoder.architecture
    config = llm_classifier.Config(architecture=architecture, tuning="lora", context=256)
    again = llm_classifier.build(config, ModelContext(Subwords.load(checkpoints["llama"]).size, SPACE)).eval()
    again.load_state_dict(whole_state(model))
    assert torch.equal(again(batch()).logits, model(batch()).logits)


def test_the_asymmetric_loss_is_what_training_minimises(checkpoints: dict[str, Path]) -> None:
    model = build(checkpoints["llama"], tuning="full", loss="asymmetric")
    assert model(batch()).penalty is None
    scores = model.train()(batch())
    total = binary_cross_entropy(scores, batch()) + scores.penalty
    torch.testing.assert_close(total, asymmetric_loss(scores.logits, batch().targets))


def test_a_note_past_the_trained_length_is_read_to_its_end_in_a_longer_context(checkpoints: dict[str, Path]) -> None:
    note = [5 + i % 50 for i in range(150)]
    other = [*note[:140], 4, *note[141:]]
    model = build(checkpoints["llama"], pooling="label_attention", context=160)
    first, second = model(batch([note], 150)).logits, model(batch([other], 150)).logits
    assert (first - second).abs().max() > 1e-6
