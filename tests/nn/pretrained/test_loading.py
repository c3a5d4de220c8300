from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from icdcoder.core import components
from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError, MissingExtraError
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import generative_coder, llm_classifier, llm_multirescnn
from icdcoder.nn.contract import ModelContext
from icdcoder.nn.pretrained.loading import Pretrained, add_lora, load_pretrained
from icdcoder.text.readers.subwords import Subwords

KINDS = ("bert", "llama", "roberta", "t5")


def load(folder: Path, **settings: object) -> Pretrained:
    return load_pretrained(folder, None, Subwords.load(folder).size, **settings)


@pytest.fixture
def copy(checkpoints: dict[str, Path], tmp_path: Path) -> Path:
    """A checkpoint to spoil."""
    return Path(shutil.copytree(checkpoints["bert"], tmp_path / "bert"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_weights_are_those_of_the_folder(checkpoints: dict[str, Path], kind: str) -> None:
    saved = load_file(checkpoints[kind] / "model.safetensors")
    model = load(checkpoints[kind]).model
    for name, value in model.state_dict().items():
        stored = saved.get(name, saved.get(f"encoder.{name}", saved.get("shared.weight")))
        assert torch.equal(value, stored), name


@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_has_a_part_in_the_states(checkpoints: dict[str, Path], kind: str) -> None:
    model = load(checkpoints[kind]).model
    ids = torch.arange(4, 12)[None]
    model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state.sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_architecture_builds_the_same_model_without_the_folder(checkpoints: dict[str, Path], kind: str) -> None:
    first = load(checkpoints[kind])
    described = json.loads(json.dumps(first.architecture))
    again = load_pretrained(None, described, Subwords.load(checkpoints[kind]).size)
    again.model.load_state_dict(first.model.state_dict())
    assert (again.prefix, again.suffix, again.limit) == (first.prefix, first.suffix, first.limit)
    assert again.architecture == first.architecture
    assert str(checkpoints[kind]) not in json.dumps(described)


@pytest.mark.parametrize(("kind", "limit"), [("bert", 64), ("llama", 64), ("roberta", 64), ("t5", None)])
def test_the_limit_is_what_the_model_reads_at_once(checkpoints: dict[str, Path], kind: str, limit: int | None) -> None:
    assert load(checkpoints[kind]).limit == limit


def test_a_longer_context_survives_the_architecture(checkpoints: dict[str, Path]) -> None:
    for scaling in ("yarn", "linear", "dynamic"):
        long = load(checkpoints["llama"], context=256, scaling=scaling)
        assert long.limit == 256
        again = load_pretrained(None, long.architecture, 10, context=256, scaling=scaling)
        assert again.limit == 256
        assert torch.equal(again.model.rotary_emb.inv_freq, long.model.rotary_emb.inv_freq)


def test_weights_can_be_kept_in_half_precision(checkpoints: dict[str, Path]) -> None:
    model = load(checkpoints["llama"], weights="bfloat16").model
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}


def test_only_adapters_are_trained_under_lora_and_change_nothing_at_first(checkpoints: dict[str, Path]) -> None:
    model = load(checkpoints["llama"]).model.eval()
    ids = torch.arange(4, 12)[None]
    before = model(input_ids=ids).last_hidden_state
    add_lora(model, rank=2, alpha=4.0, dropout=0.0)
    torch.testing.assert_close(model(input_ids=ids).last_hidden_state, before)
    trained = [name for name, p in model.named_parameters() if p.requires_grad]
    assert trained
    assert all("lora_" in name for name in trained)
    assert len(trained) == 2 * 7 * 2  # A and B, seven linear layers, two blocks


def test_adapters_of_a_model_in_half_precision_are_float32(checkpoints: dict[str, Path]) -> None:
    model = load(checkpoints["llama"], weights="bfloat16").model
    add_lora(model, rank=2, alpha=4.0, dropout=0.0)
    assert {p.dtype for p in model.parameters() if p.requires_grad} == {torch.float32}
    ids = torch.arange(4, 12)[None]
    assert model(input_ids=ids).last_hidden_state.dtype == torch.bfloat16


@pytest.mark.parametrize("weights", ["bfloat16", "float16"])
@pytest.mark.parametrize(
    ("kind", "trained", "kept"),
    [
        (llm_classifier, {"tuning": "full"}, {"tuning": "lora"}),
        (generative_coder, {"tuning": "full"}, {"tuning": "frozen"}),
        (llm_multirescnn, {"frozen": False}, {"frozen": True}),
    ],
)
def test_weights_in_half_precision_are_not_trained(kind: ModuleType, weights: str, trained: dict, kept: dict) -> None:
    with pytest.raises(ValueError, match=rf"weights in {weights} would learn little.*train\.precision"):
        kind.Config(weights=weights, **trained)
    assert kind.Config(weights=weights, **kept).weights == weights


@pytest.fixture(scope="module")
def with_pictures(tiny_models: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save("gemma3", tmp_path_factory.mktemp("gemma3"))


def test_of_a_model_that_reads_pictures_too_the_part_that_reads_text_is_taken(with_pictures: Path) -> None:
    found = load(with_pictures)
    saved = load_file(with_pictures / "model.safetensors")
    for name, value in found.model.state_dict().items():
        stored = next(v for k, v in saved.items() if "language_model." in k and k.endswith(name))
        assert torch.equal(value, stored), name
    assert found.architecture["config"]["model_type"] == "gemma3_text"
    again = load_pretrained(None, json.loads(json.dumps(found.architecture)), 10)
    again.model.load_state_dict(found.model.state_dict())
    ids = torch.arange(4, 12)[None]
    assert torch.equal(again.model(input_ids=ids).last_hidden_state, found.model(input_ids=ids).last_hidden_state)
    assert (found.limit, load(with_pictures, context=256).limit) == (64, 256)


def test_a_model_that_reads_pictures_too_is_not_made_to_write(with_pictures: Path) -> None:
    with pytest.raises(ConfigError, match="reads pictures too"):
        load(with_pictures, writes=True)


def test_nothing_is_printed(checkpoints: dict[str, Path], capfd: pytest.CaptureFixture[str]) -> None:
    level = logging.getLogger("transformers").level
    load(checkpoints["bert"])
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("transformers").level == level


def test_neither_checkpoint_nor_architecture(tiny_models: ModuleType) -> None:
    with pytest.raises(ConfigError, match=r"set model\.checkpoint"):
        load_pretrained(None, None, 10)


def test_a_checkpoint_that_is_not_there(tiny_models: ModuleType) -> None:
    with pytest.raises(ConfigError, match=r"no checkpoint 'owner/nothing'.*downloads none"):
        load_pretrained("owner/nothing", None, 10)


def test_a_checkpoint_of_other_sizes_than_it_says(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "hidden_size": 32}))
    with pytest.raises(ConfigError, match="weights in .* cannot be loaded"):
        load(copy)


def test_a_checkpoint_that_lacks_weights(copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(ConfigError, match=r"lacks 1 weights.*encoder\.layer\.1\.output\.dense\.weight"):
        load(copy)


def test_a_checkpoint_without_weights(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load(copy)


@pytest.mark.parametrize("kept", [0.5, 0.001])
def test_a_checkpoint_whose_weights_were_cut_off(copy: Path, kept: float) -> None:
    content = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ConfigError, match="weights in .* cannot be loaded"):
        load(copy)


@pytest.mark.parametrize("family", ["bert", "a-family-of-its-own"])
def test_code_that_comes_with_a_checkpoint_is_neither_run_nor_offered(
    copy: Path, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("the user was asked to run foreign code"))
    config = json.loads((copy / "config.json").read_text())
    foreign = {"AutoConfig": "theirs.Config", "AutoModel": "theirs.Model"}
    (copy / "config.json").write_text(json.dumps({**config, "model_type": family, "auto_map": foreign}))
    (copy / "theirs.py").write_text("raise SystemExit('foreign code was run')")
    if family == "bert":  # a family of transformers is built by transformers
        assert type(load(copy).model).__module__.startswith("transformers.")
    else:
        with pytest.raises(ConfigError, match="describes no model"):
            load(copy)


@pytest.mark.parametrize("text", ["{}", '{"model_type": "no-such-model"}', "not json"])
def test_a_config_that_describes_nothing(copy: Path, text: str) -> None:
    (copy / "config.json").write_text(text)
    with pytest.raises(ConfigError, match="describes no model"):
        load(copy)


def test_notes_cut_by_another_tokenizer(checkpoints: dict[str, Path]) -> None:
    size = Subwords.load(checkpoints["bert"]).size
    with pytest.raises(ConfigError, match=rf"tokenizer of {size - 1} tokens, the one in .* has {size}"):
        load_pretrained(checkpoints["bert"], None, size - 1)
    with pytest.raises(ConfigError, match=rf"{size + 1} different tokens, the pretrained model knows {size}"):
        load_pretrained(checkpoints["bert"], None, size + 1)


def test_notes_cut_by_another_tokenizer_of_the_same_size(copy: Path, checkpoints: dict[str, Path]) -> None:
    other = json.loads((copy / "tokenizer.json").read_text())
    known = other["model"]["vocab"]
    words = [word for word in known if not word.startswith("[")]
    turned = zip(words, [known[word] for word in (*words[1:], words[0])], strict=True)
    other["model"]["vocab"] = {**known, **dict(turned)}
    (copy / "tokenizer.json").write_text(json.dumps(other))
    cut, own = Subwords.load(checkpoints["bert"]), Subwords.load(copy)
    assert cut.size == own.size
    with pytest.raises(ConfigError, match=r"cut by another tokenizer than the one in .*text\.checkpoint"):
        load(copy, encode=cut.encode)
    assert load(copy, encode=own.encode).found


@pytest.mark.parametrize(
    "kind", ["generative_coder", "hilat", "llm_classifier", "llm_multirescnn", "plm_ca", "plm_icd", "xr_lat"]
)
def test_every_model_compares_the_tokenizers(checkpoints: dict[str, Path], kind: str) -> None:
    module = components.load("models", kind)
    space = LabelSpace([Code("icd9cm", "401.9"), Code("icd9cm", "428.0")])

    def encode(text: str) -> np.ndarray:
        return np.zeros(0, dtype=np.int32)

    context = ModelContext(Subwords.load(checkpoints["t5"]).size, space, encode=encode)
    with pytest.raises(ConfigError, match="cut by another tokenizer"):
        module.build(module.Config(checkpoint=checkpoints["t5"]), context)


def test_without_the_libraries_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"icdcoder\[llm\]"):
        load_pretrained("anything", None, 10)
