"""Weights of authors who read notes with a pretrained model, under their names; their forward passes in loops."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from icdcoder.core.errors import InputError
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.importing import import_weights
from icdcoder.experiment.prepared import Prepared
from icdcoder.experiment.training import trained_model
from icdcoder.nn.contract import PAD, Batch

from .conftest import experiment

pytest.importorskip("transformers", reason="needs the extra [llm]")

WIDTH, CHUNK, CHUNKS = 16, 8, 10
# With two special tokens, within a chunk and at the end of one; the longest at its end, as plm_ca then adds a chunk.
LENGTHS = [37, 5, 22, 62, 14]
SMALL = {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
SMALL |= {"max_position_embeddings": 16, "pad_token_id": 0, "initializer_range": 0.5}
XLNET = {"d_model": WIDTH, "n_layer": 2, "n_head": 2, "d_inner": 24, "pad_token_id": 0, "initializer_range": 0.5}
State = dict[str, Tensor]


class Theirs:
    """A file of the authors' names: the pretrained model with what older versions of it saved too, and their heads."""

    def __init__(self, family: str, size: int, prefix: str, heads: State) -> None:
        from transformers import AutoConfig, AutoModel

        sizes = {**(XLNET if family == "xlnet" else SMALL), "vocab_size": size + 2}
        self.architecture: dict[str, Any] = {
            "config": {"model_type": family, **sizes},
            "prefix": [] if family == "xlnet" else [size],
            "suffix": [size, size + 1] if family == "xlnet" else [size + 1],
        }
        config = AutoConfig.for_model(family, **sizes)
        self.model = AutoModel.from_config(config, attn_implementation="eager").eval()
        self.state = {f"{prefix}.{name}": value.clone() for name, value in self.model.state_dict().items()} | heads
        if family != "xlnet":
            assert f"{prefix}.pooler.dense.weight" in self.state
            self.state[f"{prefix}.embeddings.position_ids"] = torch.arange(16)[None]
        self.model.double()
        self.heads = {name: value.double() for name, value in heads.items()}

    def enclosed(self, tokens: Sequence[int]) -> list[int]:
        return [*self.architecture["prefix"], *tokens, *self.architecture["suffix"]]

    def states(self, ids: Sequence[int], real: int) -> list[Tensor]:
        """Of one chunk, of which so many are no padding."""
        # What padding alone sees is of no account: all its states are the same.
        seen = (torch.arange(len(ids)) < (real or len(ids))).long()
        types = torch.zeros_like(seen)  # the encoders' own default, and XLNet's for all but the last token and padding
        with torch.inference_mode():
            output = self.model(torch.tensor([ids]), attention_mask=seen[None], token_type_ids=types[None])
        return list(output.last_hidden_state[0])

    def laid_out(self, ids: Sequence[int], real: int) -> list[Tensor]:
        """Of all chunks of so many ids, one behind the other."""
        found = []
        for start in range(0, len(ids), CHUNK):
            found += self.states(ids[start : start + CHUNK], min(CHUNK, max(0, real - start)))
        return found


def shares(scores: Sequence[Tensor]) -> list[Tensor]:
    highest = max(scores)
    exponentials = [torch.exp(score - highest) for score in scores]
    return [one / sum(exponentials) for one in exponentials]


def read(scores: Sequence[Tensor], states: Sequence[Tensor]) -> Tensor:
    """The states, weighed by the softmax of their scores."""
    return torch.stack([share * state for share, state in zip(shares(scores), states, strict=True)]).sum(0)


def plm_icd(net: Theirs, notes: list[list[int]]) -> list[Tensor]:
    """One note at a time: special tokens once around it, padding up to whole chunks, no mask in the attention."""
    keys, queries = net.heads["first_linear.weight"], net.heads["second_linear.weight"]
    weights, bias = net.heads["third_linear.weight"], net.heads["third_linear.bias"]
    found = []
    for note in notes:
        ids = net.enclosed(note)
        states = net.laid_out(ids + [PAD] * (-len(ids) % CHUNK), len(ids))
        logits = []
        for code, query in enumerate(queries):
            whole = read([query @ torch.tanh(keys @ state) for state in states], states)
            logits.append(weights[code] @ whole + bias[code])
        found.append(torch.stack(logits))
    return found


def plm_ca(net: Theirs, notes: list[list[int]]) -> list[Tensor]:
    """All notes padded to the longest, and that to a multiple of a chunk that is greater; no mask in the attention."""
    head = {name.removeprefix("label_wise_attention."): value for name, value in net.heads.items()}
    longest = max(len(net.enclosed(note)) for note in notes)
    width = longest + CHUNK - longest % CHUNK
    found = []
    for note in notes:
        ids = net.enclosed(note)
        states = net.laid_out(ids + [PAD] * (width - len(ids)), len(ids))
        keys = [head["weights_k.weight"] @ state for state in states]
        values = [head["weights_v.weight"] @ state + head["weights_v.bias"] for state in states]
        logits = []
        for query in head["label_representations"]:
            whole = read([query @ key for key in keys], values)
            normal = (whole - whole.mean()) / torch.sqrt(whole.var(correction=0) + 1e-5)
            normal = normal * head["layernorm.weight"] + head["layernorm.bias"]
            logits.append(head["output_linear.weight"][0] @ normal + head["output_linear.bias"][0])
        found.append(torch.stack(logits))
    return found


def hilat(net: Theirs, notes: list[list[int]]) -> list[Tensor]:
    """Ten chunks of each note, special tokens around each, filled up with padding; no mask in either attention."""
    tokens, chunks = (f"{name}_attention_layer.l{{}}_linear.weight".format for name in ("label_wise", "chunk"))
    weights, bias = net.heads["classifier_layer.weight"], net.heads["classifier_layer.bias"]
    found = []
    for note in notes:
        cut = []
        for start in range(0, CHUNKS * (CHUNK - 2), CHUNK - 2):
            ids = net.enclosed(note[start : start + CHUNK - 2])
            cut.append(net.states(ids + [PAD] * (CHUNK - len(ids)), len(ids)))
        logits = []
        for code, query in enumerate(net.heads[tokens(2)]):
            each = [read([query @ torch.tanh(net.heads[tokens(1)] @ s) for s in states], states) for states in cut]
            among = [net.heads[chunks(2)][0] @ torch.tanh(net.heads[chunks(1)] @ one) for one in each]
            logits.append(weights[code] @ read(among, each) + bias[code])
        found.append(torch.stack(logits))
    return found


PLM_ICD = {"first_linear.weight": (WIDTH, WIDTH), "second_linear.weight": (0, WIDTH)}
PLM_ICD |= {"third_linear.weight": (0, WIDTH), "third_linear.bias": (0,)}
PLM_CA = {"weights_k.weight": (WIDTH, WIDTH), "weights_v.weight": (WIDTH, WIDTH), "weights_v.bias": (WIDTH,)}
PLM_CA |= {"label_representations": (0, WIDTH), "layernorm.weight": (WIDTH,), "layernorm.bias": (WIDTH,)}
PLM_CA |= {"output_linear.weight": (1, WIDTH), "output_linear.bias": (1,)}
PLM_CA = {f"label_wise_attention.{name}": size for name, size in PLM_CA.items()}
HILAT = {"label_wise_attention_layer.l1_linear.weight": (WIDTH, WIDTH), "classifier_layer.weight": (0, WIDTH)}
HILAT |= {"label_wise_attention_layer.l2_linear.weight": (0, WIDTH), "classifier_layer.bias": (0,)}
HILAT |= {
    "chunk_attention_layer.l1_linear.weight": (WIDTH, WIDTH),
    "chunk_attention_layer.l2_linear.weight": (1, WIDTH),
}
# kind → sizes of the heads, where 0 is the number of codes; their forward pass; the settings that repeat it
AUTHORS: dict[str, tuple[dict[str, tuple[int, ...]], Callable[..., list[Tensor]], dict[str, Any]]] = {
    "plm_icd": (PLM_ICD, plm_icd, {"attend_padding": True}),
    "plm_ca": (PLM_CA, plm_ca, {"attend_padding": True}),
    "hilat": (HILAT, hilat, {"attend_padding": True}),
}
CASES = [
    ("plm_icd", "roberta", "roberta"),
    ("plm_icd", "bert", "bert"),
    ("plm_ca", "roberta", "roberta_encoder"),
    ("hilat", "bert", "transformer_layer"),
    ("hilat", "roberta", "transformer_layer"),
    ("hilat", "xlnet", "transformer_layer"),
]


def notes_of(prepared: Prepared, kind: str) -> list[list[int]]:
    words = [int(token) for note in map(prepared.tokens.__getitem__, range(20)) for token in note]
    most = CHUNKS * (CHUNK - 2) if kind == "hilat" else len(words)
    return [words[sum(LENGTHS[:i]) :][: min(most, length)] for i, length in enumerate(LENGTHS)]


class Case:
    def __init__(self, kind: str, family: str, prefix: str, done: Experiment, folder: Path) -> None:
        self.kind = kind
        sizes, self.forward, settings = AUTHORS[kind]
        prepared = Prepared.load(done.prepared)
        self.codes = random.Random(5).sample([code.value for code in prepared.space], len(prepared.space))
        torch.manual_seed(1)
        heads = {name: torch.randn(*(one or len(self.codes) for one in size)) for name, size in sizes.items()}
        self.net = Theirs(family, prepared.reader.size, prefix, heads)
        model = {"kind": kind, "chunk": CHUNK, "architecture": self.net.architecture, **settings}
        self.asked = Experiment.resolve({**experiment(folder).tables(), "runs": str(folder / "runs"), "model": model})
        shutil.copytree(done.prepared, self.asked.prepared)
        self.prepared = Prepared.load(self.asked.prepared)
        self.file, self.list = folder / "pytorch_model.bin", folder / "codes.txt"
        torch.save(self.net.state, self.file)
        self.list.write_text("\n".join(self.codes))


@pytest.mark.parametrize(("kind", "family", "prefix"), CASES)
def test_a_padded_batch_gets_the_authors_logits(
    kind: str, family: str, prefix: str, done: Experiment, tmp_path: Path
) -> None:
    case = Case(kind, family, prefix, done, tmp_path)
    counts = import_weights(case.asked, kind, case.file, codes=case.list)
    assert counts["weights left out"] == (0 if family == "xlnet" else 3)  # the pooler's two, and numbers of positions
    notes = notes_of(case.prepared, kind)
    tokens = torch.tensor([note + [PAD] * (65 - len(note)) for note in notes])
    mask = torch.arange(tokens.shape[1]) < torch.tensor([len(note) for note in notes])[:, None]
    with torch.inference_mode():
        found = trained_model(case.asked, case.prepared)(Batch(tokens, mask)).logits
    expected = torch.stack(case.forward(case.net, notes))
    order = [case.codes.index(code.value) for code in case.prepared.space]
    assert expected.std() > 0.5
    torch.testing.assert_close(found, expected[:, order].float(), atol=1e-5, rtol=1e-5)


def test_a_file_of_another_head_is_refused(done: Experiment, tmp_path: Path) -> None:
    case = Case("hilat", "bert", "transformer_layer", done, tmp_path)
    del case.net.state["chunk_attention_layer.l2_linear.weight"]
    torch.save(case.net.state, case.file)
    with pytest.raises(InputError, match=r"lacks 1 weights.*chunk_query first"):
        import_weights(case.asked, "hilat", case.file, codes=case.list)
    case.net.state["label_wise_attention_layer.0.l1_linear.weight"] = torch.zeros(WIDTH, WIDTH)  # one a chunk
    torch.save(case.net.state, case.file)
    with pytest.raises(InputError, match="none of this model's in its authors' code"):
        import_weights(case.asked, "hilat", case.file, codes=case.list)
