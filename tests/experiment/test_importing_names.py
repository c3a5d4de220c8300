"""Weights of authors whose files need more than an order of codes and words: categories, entities, a level of four;
or less: codes that are known by their synonyms."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from icdcoder.core.errors import ConfigError, InputError
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.importing import import_weights
from icdcoder.experiment.prepared import Prepared
from icdcoder.experiment.training import build_model, trained_model
from icdcoder.knowledge import hierarchy
from icdcoder.nn.contract import Batch

from .conftest import experiment

WIDTH = 16
BERT = {"model_type": "bert", "hidden_size": WIDTH, "num_hidden_layers": 1, "num_attention_heads": 2}
BERT |= {"intermediate_size": 8, "max_position_embeddings": 16, "initializer_range": 0.5}


def asked(folder: Path, done: Experiment, model: dict[str, Any]) -> tuple[Experiment, Prepared]:
    """An experiment of another model with the corpus that `done` prepared."""
    made = Experiment.resolve({**experiment(folder).tables(), "runs": str(folder), "model": model})
    shutil.copytree(done.prepared, made.prepared)
    return made, Prepared.load(made.prepared)


def lists(folder: Path, **names: list[str]) -> dict[str, Path]:
    for name, lines in names.items():
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return {name: folder / f"{name}.txt" for name in names}


def logits(made: Experiment, prepared: Prepared, note: int) -> tuple[list[int], Tensor]:
    ids = torch.from_numpy(prepared.tokens[note].astype("int64"))[None]
    return ids[0].tolist(), trained_model(made, prepared)(Batch(ids, torch.ones_like(ids, dtype=torch.bool))).logits[0]


def attended(net: dict[str, nn.Module], level: int, states: Tensor) -> Tensor:
    """What each label of a level reads."""
    keys = torch.tanh(net[f"attention.first_linears.{level}"](states))
    return torch.softmax(net[f"attention.second_linears.{level}"](keys), 0).T @ states


def weighed(layer: nn.Module, read: Tensor) -> Tensor:
    return (layer.weight * read).sum(1) + layer.bias


def state_of(net: dict[str, nn.Module]) -> dict[str, Tensor]:
    return {f"{name}.{key}": value for name, part in net.items() for key, value in part.state_dict().items()}


def test_joint_laats_categories_stand_in_an_order_of_their_own(done: Experiment, tmp_path: Path) -> None:
    sizes = {"embedding": WIDTH, "hidden": 5, "attended": 7, "projection": 6}
    made, prepared = asked(tmp_path / "runs", done, {"kind": "joint_laat", **sizes})
    shuffle = random.Random(5)
    words = prepared.reader.vocabulary.words[2:]
    codes = shuffle.sample([code.value for code in prepared.space], len(prepared.space))
    level = hierarchy.chain(prepared.space.codes)[2]
    categories = shuffle.sample([name.partition(":")[2] for name in level.names], len(level.names))
    torch.manual_seed(1)
    count = (len(categories), len(codes))
    net: dict[str, nn.Module] = {
        "embedding.embeddings": nn.Embedding(len(words) + 2, WIDTH, padding_idx=0),
        "rnn": nn.LSTM(WIDTH, 5, bidirectional=True),
        "attention.linear": nn.Linear(10, 10, bias=False),
        "attention.first_linears.0": nn.Linear(10, 7, bias=False),
        "attention.first_linears.1": nn.Linear(10, 7, bias=False),
        "attention.second_linears.0": nn.Linear(7, count[0], bias=False),
        "attention.second_linears.1": nn.Linear(7, count[1], bias=False),
        "attention.third_linears.0": nn.Linear(10, count[0]),
        "attention.third_linears.1": nn.Linear(10 + 6, count[1]),
        "linears.0": nn.Linear(10, count[0]),
        "linears.1": nn.Linear(16, count[1]),
        "projection_linears.0": nn.Linear(count[0], 6, bias=False),
        "projection_linears.1": nn.Linear(count[1], 6, bias=False),
    }
    with torch.no_grad():
        net["projection_linears.0"].weight.mul_(5)
    save_file(state_of(net), tmp_path / "theirs.safetensors")
    given = lists(tmp_path, words=list(words), codes=codes, names=categories)
    with pytest.raises(ConfigError, match="needs --names: the categories"):
        import_weights(made, "joint_laat", tmp_path / "theirs.safetensors", **{**given, "names": None})
    for wrong, message in ((categories[1:], "are not in the list"), ([*categories, "Z9Z"], "has no code of 1 categor")):
        other = {**given, **lists(tmp_path, other=wrong)}
        with pytest.raises(InputError, match=message):
            names = other.pop("other")
            import_weights(made, "joint_laat", tmp_path / "theirs.safetensors", **{**other, "names": names})
    import_weights(made, "joint_laat", tmp_path / "theirs.safetensors", **given)
    for note in range(3):
        ids, found = logits(made, prepared, note)
        states = net["rnn"](net["embedding.embeddings"](torch.tensor(ids))[:, None])[0][:, 0]
        above = weighed(net["attention.third_linears.0"], attended(net, 0, states))
        told = torch.sigmoid(net["projection_linears.0"](torch.sigmoid(above)))
        read = attended(net, 1, states)
        expected = weighed(net["attention.third_linears.1"], torch.cat([read, told.expand(len(read), -1)], 1))
        order = [codes.index(code.value) for code in prepared.space]
        torch.testing.assert_close(found, expected[order], atol=1e-5, rtol=1e-4)


def test_xr_lats_codes_are_taken_without_the_levels_above(done: Experiment, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    size = Prepared.load(done.prepared).reader.size
    config = {**BERT, "vocab_size": size + 2}
    pretrained = {"architecture": {"config": config, "prefix": [size], "suffix": [size + 1]}, "chunk": 16}
    model = {"kind": "xr_lat", "encoder": "pretrained", **pretrained, "sampling": False, "batches_per_level": 0}
    made, prepared = asked(tmp_path / "runs", done, {**model, "attend_padding": True})
    codes = random.Random(5).sample([code.value for code in prepared.space], len(prepared.space))
    torch.manual_seed(1)
    net: dict[str, nn.Module] = {
        "transformer_layer": transformers.AutoModel.from_config(transformers.AutoConfig.for_model(**config)),
        "label_wise_attention_layer.l1_linear": nn.Linear(WIDTH, WIDTH, bias=False),
        "label_wise_attention_layer.l2_linear": nn.Linear(WIDTH, len(codes), bias=False),
        "label_wise_attention_layer.hyperbolic_linear": nn.Linear(50, WIDTH, bias=False),
        "classifier_layer": nn.Linear(WIDTH, len(codes)),
    }
    net["transformer_layer"].eval()
    save_file(state_of(net), tmp_path / "theirs.safetensors")
    given = lists(tmp_path, codes=codes)
    sampled, _ = asked(tmp_path / "sampled", done, {**model, "sampling": True})
    with pytest.raises(ConfigError, match=r"model\.sampling = false"):
        import_weights(sampled, "xr_lat", tmp_path / "theirs.safetensors", **given)
    import_weights(made, "xr_lat", tmp_path / "theirs.safetensors", **given)
    ids, found = logits(made, prepared, 0)
    states = []
    for start in range(0, max(140, len(ids)), 14):
        chunk = [size, *ids[start : start + 14], size + 1]
        seen = (torch.arange(16) < len(chunk)).long()[None]
        filled = torch.tensor([chunk + [0] * (16 - len(chunk))])
        states.append(net["transformer_layer"](input_ids=filled, attention_mask=seen).last_hidden_state[0])
    laid = torch.cat(states)
    keys = torch.tanh(net["label_wise_attention_layer.l1_linear"](laid))
    read = torch.softmax(net["label_wise_attention_layer.l2_linear"](keys), 0).T @ laid
    order = [codes.index(code.value) for code in prepared.space]
    torch.testing.assert_close(found, weighed(net["classifier_layer"], read)[order], atol=1e-5, rtol=1e-4)


def test_kg_multirescnns_entities_are_known_by_their_codes(done: Experiment, tmp_path: Path) -> None:
    sizes = {"embedding": WIDTH, "kernels": [3], "blocks": [5], "graph_width": 4, "graph_epochs": 0}
    made, prepared = asked(tmp_path / "runs", done, {"kind": "kg_multirescnn", **sizes})
    ours = build_model(made, prepared)
    assert len(ours.names) > 2
    entities = ["Q11", *reversed(ours.names[1:])]  # our first one is none of theirs
    words, codes = prepared.reader.vocabulary.words[2:], [code.value for code in prepared.space]
    block: dict[str, nn.Module] = {
        "left.0": nn.Conv1d(WIDTH, 5, 3, bias=False),
        "left.1": nn.BatchNorm1d(5),
        "left.3": nn.Conv1d(5, 5, 3, bias=False),
        "left.4": nn.BatchNorm1d(5),
        "shortcut.0": nn.Conv1d(WIDTH, 5, 1, bias=False),
        "shortcut.1": nn.BatchNorm1d(5),
    }
    net: dict[str, nn.Module] = {
        "word_rep.embed": nn.Embedding(len(words) + 2, WIDTH),
        "kg_embd.embed": nn.Embedding(len(entities) + 2, 4),
        "kg_embd.dim_red": nn.Linear(4, WIDTH),
        "kg_embd.feature_red": nn.Linear(30, 90),
        "conv.conv.channel-3.baseconv": nn.Conv1d(WIDTH, WIDTH, 3),
        **{f"conv.conv.channel-3.resconv-0.{name}": part for name, part in block.items()},
        "output_layer.U": nn.Linear(5, len(codes)),
        "output_layer.final": nn.Linear(5, len(codes)),
    }
    save_file(state_of(net), tmp_path / "theirs.safetensors")
    given = lists(tmp_path, words=list(words), codes=codes, names=entities)
    import_weights(made, "kg_multirescnn", tmp_path / "theirs.safetensors", **given)
    found = trained_model(made, prepared).state_dict()
    table = net["kg_embd.embed"].weight
    for row, name in enumerate(ours.names):
        place = 1 + entities.index(name) if row else len(entities) + 1
        assert torch.equal(found["vectors"][row], table[place])
    assert torch.equal(found["reduction.weight"], net["kg_embd.dim_red"].weight)
    assert torch.equal(found["filters.0.convolution.convolution.weight"], net["conv.conv.channel-3.baseconv"].weight)
    assert torch.equal(found["filters.0.blocks.0.second_norm.norm.weight"], block["left.4"].weight)
    assert torch.equal(found["words.embedding.weight"][1], net["word_rep.embed"].weight[-1])
    assert torch.equal(found["label_attention.weights"], net["output_layer.final"].weight)


def test_msmns_words_stand_before_unknown_padding_and_mask(done: Experiment, tmp_path: Path) -> None:
    sizes = {"embedding": WIDTH, "hidden": 8, "attended": 12, "synonyms": 2, "layers": 1, "synonym_tokens": 6}
    made, prepared = asked(tmp_path / "runs", done, {"kind": "msmn", **sizes, "pool_padding": True})
    words, codes = prepared.reader.vocabulary.words[2:], [code.value for code in prepared.space]
    theirs = list(reversed(words[3:]))  # three of ours are unknown to them
    torch.manual_seed(1)
    net: dict[str, nn.Module] = {
        "encoder.word_encoder.word_embedding": nn.Embedding(len(theirs) + 3, WIDTH, padding_idx=len(theirs) + 1),
        "encoder.combiner.combine_lstm": nn.LSTM(WIDTH, 4, bidirectional=True, batch_first=True),
        "encoder.combiner.reduce_linear": nn.Linear(8, 12),
        "decoder.W": nn.Linear(12, 12),
        "decoder.u_reduce": nn.Linear(12, 6),
        "decoder.w_linear.layers.0": nn.Linear(12, 12),
        "decoder.b_linear.layers.0": nn.Linear(12, 1),
        "decoder.U": nn.Linear(12, 3),
        "decoder.final": nn.Linear(12, len(codes)),
    }
    save_file(state_of(net), tmp_path / "theirs.safetensors")
    import_weights(made, "msmn", tmp_path / "theirs.safetensors", **lists(tmp_path, words=theirs, codes=codes))
    row = {word: number for number, word in enumerate(theirs)}
    numbers = [len(theirs) + 1, *(row.get(word, len(theirs)) for word in prepared.reader.vocabulary.words[1:])]
    model = trained_model(made, prepared)
    table = model.get_buffer("synonyms")
    longest = int((table != 0).sum(2).max())

    def encoded(tokens: list[int]) -> Tensor:
        """States of a text without padding."""
        vectors = net["encoder.word_encoder.word_embedding"](torch.tensor([[numbers[token] for token in tokens]]))
        return net["encoder.combiner.reduce_linear"](net["encoder.combiner.combine_lstm"](vectors)[0][0])

    for note in range(3):
        ids, found = logits(made, prepared, note)
        states, expected = encoded(ids), []
        heads = torch.tanh(net["decoder.W"](states)).split(6, 1)
        for names in table.tolist():
            read, vectors = [], []
            for head, name in zip(heads, names, strict=True):
                own = encoded([token for token in name if token])
                if len(own) < longest:  # the LSTM's zeros behind it
                    own = torch.cat([own, net["encoder.combiner.reduce_linear"].bias[None]])
                vectors.append(own.amax(0))
                read.append(torch.softmax(head @ net["decoder.u_reduce"](vectors[-1]), 0) @ states)
            best = torch.stack(vectors).amax(0)
            weights, bias = net["decoder.w_linear.layers.0"](best), net["decoder.b_linear.layers.0"](best)
            expected.append(torch.stack(read).amax(0) @ weights + bias[0])
        torch.testing.assert_close(found, torch.stack(expected), atol=1e-5, rtol=1e-4)
