"""The generative coder against equations 1 to 9 of its paper, note by note, token by token, code by code."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import generative_coder
from icdcoder.models.generative_coder import GenerativeCoder
from icdcoder.nn.contract import PAD, Batch, ModelContext
from icdcoder.nn.losses import binary_cross_entropy
from icdcoder.text.readers.subwords import Subwords

SPACE = LabelSpace(Code("icd9cm", value) for value in ("401.9", "428.0", "250.00", "584.9"))
NOTES = ["Patient with chest pain and atrial fibrillation", "No fever", "Acute kidney injury treated with fluids"]
GOLD = torch.tensor([[1.0, 0, 1, 0], [0, 0, 0, 0], [0, 1, 1, 1]])
FREQUENCY = [3, 9, 5, 1]


@pytest.fixture(scope="module")
def writers(tiny_models: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("writers")
    long = {"llama": {"max_position_embeddings": 256}, "t5": {}}
    return {kind: tiny_models.save(kind, folder / kind, writes=True, **long[kind]) for kind in long}


def made(checkpoint: Path, **settings: Any) -> GenerativeCoder:
    reader = Subwords.load(checkpoint)
    torch.manual_seed(1)
    model = generative_coder.build(
        generative_coder.Config(checkpoint=checkpoint, attended=8, **settings),
        ModelContext(reader.size, SPACE, encode=reader.encode, code_notes=FREQUENCY),
    )
    for weight in model.parameters():
        torch.nn.init.normal_(weight, 0, 0.2)
    return model


def batch(checkpoint: Path) -> Batch:
    reader = Subwords.load(checkpoint)
    notes = [reader.encode(text) for text in NOTES]
    width = max(map(len, notes)) + 2
    tokens = torch.tensor(np.stack([np.pad(note, (0, width - len(note)), constant_values=PAD) for note in notes]))
    mask = torch.arange(width) < torch.tensor([len(note) for note in notes])[:, None]
    return Batch(tokens.long(), mask, GOLD)


def naive(model: GenerativeCoder, checkpoint: Path, row: int, knows: bool) -> tuple[Tensor, Tensor]:
    """(Y_att before the sigmoid, L_gen) of one note, by the equations."""
    reader, hugging = Subwords.load(checkpoint), model.writer.model
    encodes = hugging.config.is_encoder_decoder
    before, after = generative_coder.answer_format(generative_coder.Config(), SPACE).around("ICD-9-CM diagnoses")
    cut = [list(map(int, reader.encode(text))) for text in (before, NOTES[row], after)]
    codes = [c for c in sorted(range(4), key=lambda c: -FREQUENCY[c]) if GOLD[row, c]]
    written = [SPACE.codes[c].value for c in codes] or ["none"]
    end = hugging.config.eos_token_id
    answer = [int(n) for item in written for n in reader.encode(f"{item};")] + [end]
    start = 0 if encodes else 1
    asked = [*([] if encodes else [2]), *cut[0], *cut[1], *cut[2], *([end] if encodes else [])]
    known: list[list[int]] = []
    if knows:
        texts = generative_coder.code_knowledge.of(SPACE, "medical_expressions")
        special = ([], [end]) if encodes else ([2], [])
        known = [[*special[0], *map(int, reader.encode(text)[:6]), *special[1]] for text in texts]

    def inject(features: Tensor, knowledge: list[Tensor]) -> Tensor:
        W, found = model.writer.injection.weight, []
        Z = [W.T @ piece for piece in knowledge]
        for one in features:
            shares = torch.softmax(torch.stack([one @ z for z in Z]), 0)
            found.append(one + sum(share * z for share, z in zip(shares, Z, strict=True)))
        return torch.stack(found)

    embed = hugging.get_input_embeddings()
    if encodes:
        encoder = hugging.get_encoder()
        D = encoder(input_ids=torch.tensor([asked])).last_hidden_state[0]
        if knows:
            D = inject(D, [d for text in known for d in encoder(input_ids=torch.tensor([text])).last_hidden_state[0]])
        first = torch.tensor([[hugging.config.decoder_start_token_id, *answer[:-1]]])
        logits = hugging(encoder_outputs=(D[None],), decoder_input_ids=first).logits[0]
        H = D
    else:
        D = embed(torch.tensor(asked))
        if knows:
            D = inject(D, [d for text in known for d in embed(torch.tensor(text))])
        whole = torch.cat([D, embed(torch.tensor(answer))])[None]
        output = hugging(inputs_embeds=whole, output_hidden_states=True)
        logits, H = output.logits[0, len(asked) - 1 : -1], output.hidden_states[-1][0]
    of_note = H[start + len(cut[0]) :][: len(cut[1])]
    losses = [-torch.log_softmax(line, 0)[token] for line, token in zip(logits, answer, strict=True)]
    found = []
    for u, w, b in zip(model.head.queries, model.head.weights, model.head.bias, strict=True):
        scores = torch.stack([torch.dot(u, torch.tanh(model.projection.weight @ h)) for h in of_note])
        v = sum(a * h for a, h in zip(torch.softmax(scores, 0), of_note, strict=True))
        found.append(torch.dot(w, v) + b)
    return torch.stack(found), sum(losses) / len(losses)


@pytest.mark.parametrize("kind", ["t5", "llama"])
@pytest.mark.parametrize("knowledge", ["none", "medical_expressions"])
def test_logits_and_objective_are_those_of_the_equations(writers: dict[str, Path], kind: str, knowledge: str) -> None:
    model = made(writers[kind], knowledge=knowledge, knowledge_tokens=6)
    given = batch(writers[kind])
    scores = model(given)
    expected = [naive(model, writers[kind], row, knowledge != "none") for row in range(len(NOTES))]
    torch.testing.assert_close(scores.logits, torch.stack([one[0] for one in expected]), atol=1e-4, rtol=1e-4)
    total = binary_cross_entropy(scores, given) + scores.penalty
    L_att = (
        sum(
            math.log(1 + math.exp(-z if y else z))
            for logits, gold in zip(torch.stack([one[0] for one in expected]).tolist(), GOLD.tolist(), strict=True)
            for z, y in zip(logits, gold, strict=True)
        )
        / GOLD.numel()
    )
    L_gen = sum(one[1] for one in expected) / len(NOTES)
    torch.testing.assert_close(total, L_gen + L_att, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("weights", [(2.0, 0.5), (0.0, 1.0), (1.0, 0.0), (0.3, 0.0)])
def test_the_losses_count_as_they_are_weighed(writers: dict[str, Path], weights: tuple[float, float]) -> None:
    both = made(writers["t5"])
    given = batch(writers["t5"])
    scores = both(given)
    L_gen, L_att = scores.penalty, binary_cross_entropy(scores, given)
    model = made(writers["t5"], generation_weight=weights[0], attention_weight=weights[1])
    model.load_state_dict({name: w for name, w in both.state_dict().items() if name in model.state_dict()})
    found = model(given)
    total = binary_cross_entropy(found, given) + found.penalty
    torch.testing.assert_close(total, weights[0] * L_gen + weights[1] * L_att)
