"""Weights in the naming of the authors' code, made with torch's own layers under the authors' names."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from icdcoder.cli.commands.import_weights import command
from icdcoder.core.errors import ArtefactError, ConfigError, InputError
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.deciding import decide
from icdcoder.experiment.importing import import_weights, read_weights
from icdcoder.experiment.prepared import Prepared
from icdcoder.experiment.training import trained_model
from icdcoder.models.reference import renamed
from icdcoder.nn.contract import Batch

from .conftest import experiment

EMBEDDING, FILTERS, HIDDEN = 16, 12, 10
MODELS: dict[str, dict[str, Any]] = {
    "caml": {"kind": "caml", "filters": FILTERS, "embedding": EMBEDDING, "kernel": 4, "trailing_position": True},
    "multirescnn": {"kind": "multirescnn", "embedding": EMBEDDING, "kernels": [3, 5], "blocks": [8, 6]},
    "laat": {"kind": "laat", "embedding": EMBEDDING, "hidden": HIDDEN, "attended": 7},
    "cnn": {"kind": "cnn", "embedding": EMBEDDING, "filters": FILTERS, "kernel": 3},
    "bigru": {"kind": "bigru", "embedding": EMBEDDING, "hidden": 2 * HIDDEN},
    "transicd": {"kind": "transicd", "embedding": EMBEDDING, "heads": 2, "position_of_note": True},
}


def asked(folder: Path, done: Experiment, kind: str) -> Experiment:
    """An experiment with the corpus that `done` prepared."""
    found = experiment(folder)
    data = found.tables()
    made = Experiment.resolve({**data, "runs": str(folder), "model": MODELS[kind]})
    shutil.copytree(done.prepared, made.prepared)
    return made


def channel(kernel: int) -> nn.ModuleDict:
    def block(before: int, after: int) -> nn.ModuleDict:
        wide = [nn.Conv1d(a, after, kernel, padding=kernel // 2, bias=False) for a in (before, after)]
        left = nn.Sequential(wide[0], nn.BatchNorm1d(after), nn.Tanh(), wide[1], nn.BatchNorm1d(after))
        right = nn.Sequential(nn.Conv1d(before, after, 1, bias=False), nn.BatchNorm1d(after))
        return nn.ModuleDict({"left": left, "shortcut": right})

    base = nn.Conv1d(EMBEDDING, EMBEDDING, kernel, padding=kernel // 2)
    return nn.ModuleDict({"baseconv": base, "resconv-0": block(EMBEDDING, 8), "resconv-1": block(8, 6)})


def theirs(kind: str, words: int, codes: int) -> nn.ModuleDict:
    """Layers under the names that the authors' code gives them; words: with padding and unknown."""
    torch.manual_seed(1)
    embed = nn.Embedding(words, EMBEDDING, padding_idx=0)
    if kind == "caml":
        heads = {"U": nn.Linear(FILTERS, codes), "final": nn.Linear(FILTERS, codes)}
        return nn.ModuleDict({"embed": embed, "conv": nn.Conv1d(EMBEDDING, FILTERS, 4, padding=2), **heads})
    if kind == "multirescnn":
        made = nn.ModuleDict(
            {
                "word_rep": nn.ModuleDict({"embed": embed}),
                "conv": nn.ModuleDict({"channel-3": channel(3), "channel-5": channel(5)}),
                "output_layer": nn.ModuleDict({"U": nn.Linear(12, codes), "final": nn.Linear(12, codes)}),
            }
        )
        for part in made.modules():
            if isinstance(part, nn.BatchNorm1d):
                nn.init.normal_(part.running_mean)
                nn.init.uniform_(part.running_var, 0.5, 2)
        return made
    if kind == "cnn":
        return nn.ModuleDict(
            {"embed": embed, "conv": nn.Conv1d(EMBEDDING, FILTERS, 3), "fc": nn.Linear(FILTERS, codes)}
        )
    wide = 2 * HIDDEN
    if kind == "bigru":
        gru = nn.GRU(EMBEDDING, HIDDEN, bidirectional=True)
        return nn.ModuleDict({"embed": embed, "rnn": gru, "final": nn.Linear(wide, codes)})
    if kind == "transicd":
        layer = nn.TransformerEncoderLayer(EMBEDDING, 2, 4 * EMBEDDING, batch_first=True)
        heads = {"l1": nn.Linear(EMBEDDING, 2 * EMBEDDING), "l2": nn.Linear(2 * EMBEDDING, codes)}
        fcs = nn.ModuleList(nn.Linear(EMBEDDING, 1) for _ in range(codes))
        encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        return nn.ModuleDict({"embedder": embed, "encoder": encoder, "attn": nn.ModuleDict(heads), "fcs": fcs})
    attention = {
        "linear": nn.Linear(wide, wide, bias=False),
        "first_linears": nn.ModuleList([nn.Linear(wide, 7, bias=False)]),
        "second_linears": nn.ModuleList([nn.Linear(7, codes, bias=False)]),
        "third_linears": nn.ModuleList([nn.Linear(wide, codes)]),
    }
    return nn.ModuleDict(
        {
            "embedding": nn.ModuleDict({"embeddings": embed}),
            "rnn": nn.LSTM(EMBEDDING, HIDDEN, bidirectional=True),
            "attention": nn.ModuleDict(attention),
            "linears": nn.ModuleList([nn.Linear(wide, codes)]),
            "projection_linears": nn.ModuleList([nn.Linear(codes, 8, bias=False)]),
        }
    )


def scores(kind: str, net: Any, tokens: list[int]) -> Tensor:
    """Logits of one note, as the authors' forward pass has them, in evaluation."""
    x = torch.tensor([tokens])
    if kind == "cnn":
        return net["fc"](torch.tanh(net["conv"](net["embed"](x).transpose(1, 2))).amax(2))[0]
    if kind == "bigru":
        return net["final"](torch.cat(list(net["rnn"](net["embed"](x).transpose(0, 1))[1]), 1))[0]
    if kind == "transicd":
        place = torch.tensor([0.0, 1.0]).repeat(EMBEDDING // 2)  # of the first note
        states = net["encoder"](net["embedder"](x) * EMBEDDING**0.5 + place)
        alpha = torch.softmax(net["attn"]["l2"](torch.tanh(net["attn"]["l1"](states))), 1).transpose(1, 2)
        read = (alpha @ states)[0]
        return torch.cat([one(read[code]) for code, one in enumerate(net["fcs"])])
    if kind == "caml":
        states = torch.tanh(net["conv"](net["embed"](x).transpose(1, 2))).transpose(1, 2)
        keys, queries, final = states, net["U"], net["final"]
    elif kind == "multirescnn":
        words, parts = net["word_rep"]["embed"](x).transpose(1, 2), []
        for one in net["conv"].values():
            found = torch.tanh(one["baseconv"](words))
            for name in ("resconv-0", "resconv-1"):
                found = torch.tanh(one[name]["left"](found) + one[name]["shortcut"](found))
            parts.append(found.transpose(1, 2))
        states = keys = torch.cat(parts, 2)
        queries, final = net["output_layer"]["U"], net["output_layer"]["final"]
    else:
        states = net["rnn"](net["embedding"]["embeddings"](x).transpose(0, 1))[0].transpose(0, 1)
        attention = net["attention"]
        keys = torch.tanh(attention["first_linears"][0](states))
        queries, final = attention["second_linears"][0], attention["third_linears"][0]
    alpha = torch.softmax(queries.weight @ keys.transpose(1, 2), 2)
    return ((final.weight * (alpha @ states)).sum(2) + final.bias)[0]


class Case:
    """A reference model whose words and codes stand in an order of its own, and its files."""

    def __init__(self, kind: str, done: Experiment, folder: Path) -> None:
        self.kind = kind
        self.asked = asked(folder / "runs", done, kind)
        self.prepared = Prepared.load(self.asked.prepared)
        shuffle = random.Random(5)
        known = self.prepared.reader.vocabulary.words[2:]
        self.words = [*shuffle.sample(known, len(known) - 3), "unheardof", "neverread"]  # three of ours are not theirs
        self.codes = shuffle.sample([code.value for code in self.prepared.space], len(self.prepared.space))
        self.net = theirs(kind, len(self.words) + 2, len(self.codes)).eval()
        self.file = folder / "theirs.safetensors"
        save_file(self.net.state_dict(), self.file)
        self.lists = {"words": folder / "words.txt", "codes": folder / "codes.txt"}
        self.lists["words"].write_text("\n".join(self.words) + "\n")
        self.lists["codes"].write_text("\n".join(self.codes) + "\n")

    def number(self, ours: int) -> int:
        """Their number of a word of ours."""
        first, unknown = (2, 1) if self.kind in ("laat", "transicd") else (1, len(self.words) + 1)
        word = self.prepared.reader.vocabulary.words[ours]
        return first + self.words.index(word) if word in self.words else unknown


@pytest.fixture(params=sorted(MODELS))
def case(request: pytest.FixtureRequest, done: Experiment, tmp_path: Path) -> Case:
    return Case(request.param, done, tmp_path)


@pytest.fixture
def caml(done: Experiment, tmp_path: Path) -> Case:
    return Case("caml", done, tmp_path)


def test_the_imported_model_scores_as_the_authors_code(case: Case) -> None:
    import_weights(case.asked, case.kind, case.file, **case.lists)
    model = trained_model(case.asked, case.prepared)
    for note in map(case.prepared.tokens.__getitem__, range(5)):
        ids = torch.from_numpy(note.astype("int64"))[None]
        found = model(Batch(ids, torch.ones_like(ids, dtype=torch.bool))).logits[0]
        expected = scores(case.kind, case.net, [case.number(int(i)) for i in note])
        order = [case.codes.index(code.value) for code in case.prepared.space]
        torch.testing.assert_close(found, expected[order], atol=1e-5, rtol=1e-4)


def test_decide_goes_on_from_imported_weights(caml: Case) -> None:
    import_weights(caml.asked, "caml", caml.file, **caml.lists)
    decide(caml.asked)
    assert (caml.asked.coder / "coder.json").exists()


def test_the_command_does_the_same(caml: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "asked.toml"
    config.write_text(caml.asked.to_toml())
    lists = {name: str(path) for name, path in caml.lists.items()}
    command("caml", str(caml.file), config=str(config), names=None, settings=[], **lists)
    assert capsys.readouterr().out.strip() == str(caml.asked.run)
    assert (caml.asked.run / "best.safetensors").exists()


def test_dr_camls_names_are_known_too() -> None:
    from icdcoder.models.reference import dr_caml

    theirs = ["embed.weight", "desc_embedding.weight", "label_conv.bias", "label_fc1.weight", "U.bias"]
    assert list(renamed(dr_caml, theirs).values()) == [
        "words.embedding.weight",
        "description_encoder.words.embedding.weight",
        "description_encoder.convolution.convolution.bias",
        "description_encoder.output.weight",
        None,
    ]


def test_a_state_dict_of_torch_is_read_and_a_whole_model_is_refused(tmp_path: Path) -> None:
    net = nn.Linear(3, 2)
    for key in ("state_dict", "model"):
        state = {f"module.{k}": v for k, v in net.state_dict().items()}
        torch.save({key: state, "epoch": 3, "optimizer": {"state": {}}}, tmp_path / "plain.pth")
        assert torch.equal(read_weights(tmp_path / "plain.pth")["weight"], net.weight)
    torch.save(net, tmp_path / "whole.pth")
    (tmp_path / "noise.pth").write_bytes(b"not weights at all")
    for name in ("whole.pth", "noise.pth"):
        with pytest.raises(InputError, match=r"save its state_dict\(\)"):
            read_weights(tmp_path / name)
    torch.save({"epoch": 3}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="something else"):
        read_weights(tmp_path / "other.pth")
    with pytest.raises(InputError, match="There is no file"):
        read_weights(tmp_path / "absent.pth")


def test_reading_executes_nothing(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "sprung",))

    torch.save({"weight": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(InputError):
        read_weights(tmp_path / "trap.pth")
    assert not (tmp_path / "sprung").exists()


def test_what_does_not_fit_is_said(caml: Case, tmp_path: Path) -> None:
    def spoilt(**changes: Tensor | None) -> Path:
        state = {**caml.net.state_dict(), **changes}
        save_file({k: v for k, v in state.items() if v is not None}, tmp_path / "spoilt.safetensors")
        return tmp_path / "spoilt.safetensors"

    with pytest.raises(ConfigError, match="trains 'caml'.*'laat'"):
        import_weights(caml.asked, "laat", caml.file, **caml.lists)
    with pytest.raises(InputError, match="'lstm' the first"):
        import_weights(caml.asked, "caml", spoilt(lstm=torch.zeros(1)), **caml.lists)
    with pytest.raises(InputError, match=r"lacks 1 weights.*convolution\.bias first"):
        import_weights(caml.asked, "caml", spoilt(**{"conv.bias": None}), **caml.lists)
    with pytest.raises(InputError, match=r"is \[12, 16, 9\] in the file and \[12, 16, 4\]"):
        import_weights(caml.asked, "caml", spoilt(**{"conv.weight": torch.zeros(12, 16, 9)}), **caml.lists)
    with pytest.raises(ConfigError, match="needs --words"):
        import_weights(caml.asked, "caml", caml.file, codes=caml.lists["codes"])
    caml.lists["codes"].write_text("\n".join([*caml.codes, "001.0"]))
    with pytest.raises(InputError, match=rf"{len(caml.codes)} rows where the lists name {len(caml.codes) + 1} codes"):
        import_weights(caml.asked, "caml", caml.file, **caml.lists)
    caml.lists["codes"].write_text("\n".join(caml.codes[1:]))
    with pytest.raises(InputError, match="1 codes of the label space are not in the list"):
        import_weights(caml.asked, "caml", caml.file, **caml.lists)
    assert not (caml.asked.run / "best.safetensors").exists()


def test_weights_that_are_there_are_not_overwritten(caml: Case) -> None:
    import_weights(caml.asked, "caml", caml.file, **caml.lists)
    with pytest.raises(ArtefactError, match="has weights already"):
        import_weights(caml.asked, "caml", caml.file, **caml.lists)
