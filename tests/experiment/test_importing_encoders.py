"""Weights of models with a pretrained encoder: what is imported scores as the authors' code does, padding included."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from icdcoder.experiment.config import Experiment
from icdcoder.experiment.importing import import_weights
from icdcoder.experiment.prepared import Prepared

from .test_importing_names import BERT, WIDTH, asked, lists, logits, state_of, weighed

pytest.importorskip("transformers")

CHUNK, KEYS = 16, 12
NAMES = {"plm_icd": "bert", "plm_ca": "roberta_encoder", "hilat": "transformer_layer"}


def theirs(kind: str, encoder: nn.Module, codes: int) -> dict[str, nn.Module]:
    """Layers under the names that the authors' code gives them, with weights by which attention is far from even."""
    torch.manual_seed(1)
    net: dict[str, nn.Module] = {NAMES[kind]: encoder.eval()}
    if kind == "plm_icd":
        net["first_linear"] = nn.Linear(WIDTH, KEYS, bias=False)
        net["second_linear"] = nn.Linear(KEYS, codes, bias=False)
        net["third_linear"] = nn.Linear(WIDTH, codes)
    elif kind == "plm_ca":
        net["label_wise_attention.weights_k"] = nn.Linear(WIDTH, WIDTH, bias=False)
        net["label_wise_attention.weights_v"] = nn.Linear(WIDTH, WIDTH)
        net["label_wise_attention.layernorm"] = nn.LayerNorm(WIDTH)
        net["label_wise_attention.output_linear"] = nn.Linear(WIDTH, 1)
    else:
        net["label_wise_attention_layer.l1_linear"] = nn.Linear(WIDTH, WIDTH, bias=False)
        net["label_wise_attention_layer.l2_linear"] = nn.Linear(WIDTH, codes, bias=False)
        net["chunk_attention_layer.l1_linear"] = nn.Linear(WIDTH, WIDTH, bias=False)
        net["chunk_attention_layer.l2_linear"] = nn.Linear(WIDTH, 1, bias=False)
        net["classifier_layer"] = nn.Linear(WIDTH, codes)
    for name, part in net.items():
        if name != NAMES[kind]:
            for weights in part.parameters():
                nn.init.normal_(weights, 0.0, 0.7)
    return net


def chunks(kind: str, ids: list[int], first: int, last: int) -> list[list[int]]:
    """What the encoder is asked, by the authors' rules; 0 is padding."""
    if kind == "hilat":  # ten, or what a longer note needs, each with its own special tokens
        inner = CHUNK - 2
        cut = [[first, *ids[i : i + inner], last] for i in range(0, max(10 * inner, len(ids)), inner)]
        return [part + [0] * (CHUNK - len(part)) for part in cut]
    whole = [first, *ids, last]
    # PLM-CA fills a whole chunk where none is begun.
    whole += [0] * (-len(whole) % CHUNK if kind == "plm_icd" else CHUNK - len(whole) % CHUNK)
    return [whole[i : i + CHUNK] for i in range(0, len(whole), CHUNK)]


def scores(kind: str, net: dict[str, Any], queries: Tensor, parts: list[list[int]]) -> Tensor:
    """Logits of one note, as the authors' equations have them, one code after the other."""
    found = []
    for part in parts:
        asked_for = torch.tensor([part])
        seen = (asked_for != 0).long() if any(part) else torch.ones_like(asked_for)
        found.append(net[NAMES[kind]](input_ids=asked_for, attention_mask=seen).last_hidden_state[0])
    laid = torch.cat(found)
    if kind == "plm_icd":
        keys = torch.tanh(net["first_linear"](laid))
        alpha = torch.softmax(net["second_linear"](keys), 0)
        return weighed(net["third_linear"], torch.stack([row @ laid for row in alpha.T]))
    if kind == "plm_ca":
        own = {name.rpartition(".")[2]: part for name, part in net.items()}
        keys, values = own["weights_k"](laid), own["weights_v"](laid)
        read = [own["layernorm"](torch.softmax(keys @ query, 0) @ values) for query in queries]
        return torch.cat([own["output_linear"](one) for one in read])
    read = []
    for states in found:
        alpha = torch.softmax(
            net["label_wise_attention_layer.l2_linear"](
                torch.tanh(net["label_wise_attention_layer.l1_linear"](states))
            ),
            0,
        )
        read.append(alpha.T @ states)
    by_chunk = torch.stack(read, 1)  # code, chunk, width
    weights = net["chunk_attention_layer.l2_linear"](torch.tanh(net["chunk_attention_layer.l1_linear"](by_chunk)))
    return weighed(net["classifier_layer"], (torch.softmax(weights, 1) * by_chunk).sum(1))


@pytest.mark.parametrize("kind", sorted(NAMES))
def test_the_imported_encoder_scores_as_the_authors_code(kind: str, done: Experiment, tmp_path: Path) -> None:
    import transformers

    size = Prepared.load(done.prepared).reader.size
    config = {**BERT, "vocab_size": size + 2}
    settings = {"architecture": {"config": config, "prefix": [size], "suffix": [size + 1]}, "chunk": CHUNK}
    settings |= {"attended": KEYS} if kind == "plm_icd" else {}
    made, prepared = asked(tmp_path / "runs", done, {"kind": kind, "attend_padding": True, **settings})
    codes = random.Random(5).sample([code.value for code in prepared.space], len(prepared.space))
    torch.manual_seed(2)
    encoder = transformers.AutoModel.from_config(transformers.AutoConfig.for_model(**config))
    net = theirs(kind, encoder, len(codes))
    state = state_of(net)
    queries = torch.randn(len(codes), WIDTH)
    if kind == "plm_ca":
        state["label_wise_attention.label_representations"] = queries
    save_file(state, tmp_path / "theirs.safetensors")
    import_weights(made, kind, tmp_path / "theirs.safetensors", **lists(tmp_path, codes=codes))
    order = [codes.index(code.value) for code in prepared.space]
    for note in (0, 1):
        ids, found = logits(made, prepared, note)
        expected = scores(kind, net, queries, chunks(kind, ids, size, size + 1))[order]
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    assert expected.std() > 0.1
