"""From a configuration to its plan: what is read, what is assumed, what is extrapolated, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from icdcoder.core.errors import ConfigError
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.planning import subject as subjects
from icdcoder.experiment.planning.advice import advice
from icdcoder.experiment.planning.hardware import CPU, TABLE, Hardware, named
from icdcoder.experiment.planning.plan import plan
from icdcoder.experiment.planning.published_shapes import published_shape
from icdcoder.experiment.training import build_model


def asked(folder: Path, model: dict[str, Any], **tables: Any) -> Experiment:
    data: dict[str, Any] = {
        "name": "planned",
        "runs": str(folder / "runs"),
        "corpus": {"kind": "synthetic", "documents": 40, "codes": 8},
        "text": {"max_tokens": 60},
        "model": model,
        "train": {"batch_size": 4},
    }
    return Experiment.resolve({**data, **tables})


def llama(layers: int, **settings: Any) -> dict[str, Any]:
    config = {
        "model_type": "llama",
        "vocab_size": 120,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
    }
    return {"kind": "llm_classifier", "architecture": {"config": config, "prefix": [2], "suffix": []}, **settings}


@pytest.mark.parametrize(("tuning", "checkpointing"), [("full", False), ("lora", True)])
def test_a_deep_model_is_planned_from_shallow_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tuning: str, checkpointing: bool
) -> None:
    pytest.importorskip("transformers", reason="needs the extra [llm]")
    deep = asked(tmp_path, llama(7, tuning=tuning, gradient_checkpointing=checkpointing))
    short = plan(deep)
    monkeypatch.setattr(subjects, "SHALLOW", (30, 31))  # deeper than the model: it is rehearsed whole
    whole = plan(deep)
    assert short.parameters == whole.parameters
    assert short.training.weights == whole.training.weights
    assert short.training.peak == pytest.approx(whole.training.peak, rel=0.01)
    assert short.scoring.peak == pytest.approx(whole.scoring.peak, rel=0.01)
    assert short.training_work.flops_a_note == pytest.approx(whole.training_work.flops_a_note, rel=1e-6)
    assert short.training_work.notes_a_second(TABLE["h200"]) == pytest.approx(
        whole.training_work.notes_a_second(TABLE["h200"]), rel=1e-3
    )


@pytest.mark.parametrize("kind", ["llama", "bert", "t5", "roberta"])
def test_parameters_are_those_of_the_checkpoint(
    checkpoints: dict[str, Path], tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from icdcoder.experiment.prepare import prepare

    folder = checkpoints[kind]
    text = {"tokens": "subwords", "checkpoint": str(folder), "max_tokens": 40}
    planned = asked(tmp_path, {"kind": "llm_classifier", "checkpoint": str(folder)}, text=text)
    prepared = prepare(planned)
    real = build_model(planned, prepared)
    monkeypatch.setattr("safetensors.safe_open", None)  # no weight is read
    monkeypatch.setattr("safetensors.torch.load_file", None)
    found = plan(planned)
    assert found.parameters == sum(p.numel() for p in real.parameters())
    assert found.trained == sum(p.numel() for p in real.parameters() if p.requires_grad)
    assert (found.sizes.codes, found.sizes.longest) == (8, 40)
    assert not found.assumed


def test_nothing_but_config_json_is_needed(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "config.json").write_bytes((checkpoints["llama"] / "config.json").read_bytes())
    text = {"tokens": "subwords", "checkpoint": str(bare), "max_tokens": 40}
    found = plan(asked(tmp_path, {"kind": "llm_classifier", "checkpoint": str(bare)}, text=text))
    assert found.parameters > 0
    (bare / "config.json").write_text("{")
    with pytest.raises(ConfigError, match="is not JSON"):
        plan(asked(tmp_path, {"kind": "llm_classifier", "checkpoint": str(bare)}, text=text))


@pytest.mark.parametrize("tokenizer", [True, False])
def test_of_a_model_that_reads_pictures_too_the_text_part_is_planned(
    tiny_models: Any, tmp_path: Path, tokenizer: bool
) -> None:
    kinds = ["sliding_attention"] * 6 + ["full_attention"]
    folder = tiny_models.save("gemma3", tmp_path / "gemma3", num_hidden_layers=7, layer_types=kinds)
    model = {"kind": "llm_classifier", "checkpoint": str(folder), "tuning": "frozen"}
    text = {"tokens": "subwords", "checkpoint": str(folder), "max_tokens": 40}
    asked_for = asked(tmp_path, model, text=text)
    from icdcoder.nn.pretrained.loading import load_pretrained
    from icdcoder.text.readers.subwords import Subwords

    real = load_pretrained(folder, None, Subwords.load(folder).size).model
    if not tokenizer:
        (folder / "tokenizer.json").unlink()
    found = plan(asked_for)
    assert found.parameters - found.trained == sum(weight.numel() for weight in real.parameters())


def test_a_checkpoint_that_is_not_here_is_planned_by_its_name(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="needs the extra [llm]")
    model = {"kind": "llm_classifier", "checkpoint": "models/Llama-2-7b-hf", "weights": "bfloat16", "tuning": "frozen"}
    found = plan(asked(tmp_path, model))
    # 6,738,415,616 of the published model, without the 32,000 × 4,096 of its vocabulary head
    assert found.parameters - found.trained == 6_738_415_616 - 32_000 * 4_096
    assert any("published sizes of llama-2-7b" in sentence for sentence in found.assumed)
    assert found.fits(TABLE["a100-40"])
    with pytest.raises(ConfigError, match=r"no checkpoint 'models/nobody'.*no well-known one"):
        plan(asked(tmp_path, {"kind": "llm_classifier", "checkpoint": "models/nobody"}))


def test_a_quantised_base_is_counted_by_its_bits(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="needs the extra [llm]")
    whole, int8, nf4 = (plan(asked(tmp_path, llama(2, base=base))) for base in (None, "int8", "nf4"))
    assert whole.parameters == int8.parameters == nf4.parameters
    assert whole.trained == int8.trained == nf4.trained
    linear = 2 * (4 * 32 * 32 + 3 * 32 * 48)
    rows = 2 * (5 * 32 + 2 * 48)
    assert whole.training.weights - int8.training.weights == 3 * linear - 4 * rows
    assert whole.training.weights - nf4.training.weights == pytest.approx(linear * (4 - 4.127 / 8), rel=0.01)
    assert whole.training_work.flops_a_note == nf4.training_work.flops_a_note


@pytest.mark.parametrize(
    ("name", "known"),
    [("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b"), ("models/bert-base-uncased/", "bert-base"), ("x/y", None)],
)
def test_published_shapes_are_found_by_name(name: str, known: str | None) -> None:
    found = published_shape(name)
    assert (found and found[0]) == known


def test_codes_are_asked_for_where_nobody_knows_them(tmp_path: Path) -> None:
    table = tmp_path / "notes.csv"
    table.write_text("id,text,codes\n")
    corpus = {"kind": "table", "path": str(table), "system": "icd10cm"}
    try:
        planned = asked(tmp_path, {"kind": "caml"}, corpus=corpus)
    except ConfigError as error:
        pytest.skip(f"the corpus is configured otherwise: {error}")
    with pytest.raises(ConfigError, match="--codes N"):
        plan(planned)
    assert plan(planned, codes=30).sizes.codes == 30


def test_what_does_not_fit_comes_with_what_to_change(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="needs the extra [llm]")
    planned = asked(tmp_path, llama(2, tuning="full"), train={"batch_size": 4, "gradient_accumulation": 2})
    found = plan(planned)
    small = Hardware("small", found.training.peak / 2, 1, 1, 1e9)
    assert not found.fits(small)
    said = advice(planned)
    assert said[0].startswith("model.gradient_checkpointing=true")
    assert "train.batch_size=1 --set train.gradient_accumulation=8" in said[1]
    changed = Experiment.resolve({**planned.tables(), "model": llama(2, tuning="lora", lora_rank=1)})
    assert plan(changed).training.optimiser < found.training.optimiser / 4
    assert not any("tuning" in one for one in advice(changed))


def test_what_is_advised_can_be_set(tmp_path: Path) -> None:
    for pooling, advised in (("last", False), ("mean", True)):
        said = advice(asked(tmp_path, llama(2, pooling=pooling), text={"max_tokens": 4000}))
        assert any(one.startswith("model.chunk=512") for one in said) is advised
    for tuning, advised in (("full", False), ("lora", True)):
        said = advice(asked(tmp_path, llama(2, tuning=tuning)))
        assert ("model.weights=bfloat16 (half the memory of the pretrained weights)" in said) is advised


def test_a_kernel_takes_the_longest_of_arithmetic_traffic_and_start() -> None:
    machine = Hardware("m", 1e9, tflops_16=1.0, tflops_32=0.5, traffic=1e9, launch=1e-5, measured=True)
    assert machine.seconds(10**12, 0, 16) == pytest.approx(1.0)
    assert machine.seconds(10**12, 0, 32) == pytest.approx(2.0)
    assert machine.seconds(0, 10**9, 32) == pytest.approx(1.0)
    assert machine.seconds(0, 0, 32) == 1e-5


def test_hardware_is_named_or_measured() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'h200'"):
        named("h20")
    here = named(CPU)
    assert here.measured
    assert min(here.tflops_16, here.tflops_32, here.traffic, here.memory) > 0


def test_the_command_prints_a_plan(tmp_path: Path) -> None:
    from icdcoder.cli import app as command_line

    settings = asked(tmp_path, {"kind": "caml"})
    path = tmp_path / "planned.toml"
    path.write_text(settings.to_toml())
    command_line._add_commands()
    found = CliRunner().invoke(command_line.app, ["plan", str(path), "--hardware", "h200"])
    assert found.exit_code == 0, found.output
    for said in ("parameters", "optimiser", "a note in training", "training notes/s", "h200"):
        assert said in found.output
    assert json.dumps(str(tmp_path)) not in found.output
