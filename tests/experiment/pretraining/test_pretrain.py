"""icdcoder pretrain: from texts to a folder that Hugging Face and our own models load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from icdcoder.core.errors import ArtefactError, ConfigError, InputError
from icdcoder.experiment.pretraining.config import Pretraining
from icdcoder.experiment.pretraining.data import Blocks
from icdcoder.experiment.pretraining.pretrain import pretrain
from icdcoder.text.readers.subwords import Subwords
from icdcoder.train.stopping import TrainingStoppedError

transformers = pytest.importorskip("transformers", reason="needs the extra [llm]")

SENTENCES = ["chest pain at rest", "fever and cough", "type 2 diabetes", "no known allergies", "discharged home"]
AUTO = {"llama": "AutoModelForCausalLM", "bert": "AutoModelForMaskedLM", "t5": "AutoModelForSeq2SeqLM"}
CONFIGS = sorted((Path(__file__).parents[3] / "configs" / "pretrain").glob("*.toml"))
SIZES = {"hidden": 16, "layers": 1, "heads": 2, "context": 24, "vocabulary": 500}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Notes that repeat a few sentences in an order, so that a model can learn something in seconds."""
    path = tmp_path_factory.mktemp("texts") / "notes.jsonl"
    rng = np.random.default_rng(0)
    rows = [
        {"text": ". ".join(SENTENCES[i % 5] for i in range(start, start + 12)) + f". Room {number}."}
        for number, start in enumerate(rng.integers(0, 5, 120))
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def asked(corpus: Path, folder: Path, kind: str = "llama", **changes: Any) -> Pretraining:
    data = {
        "name": "small",
        "runs": str(folder),
        "validation": 0.1,
        "texts": [{"kind": "jsonl", "path": str(corpus)}],
        "model": {"kind": kind, **SIZES},
        "train": {"epochs": 2, "batch_size": 16, "learning_rate": 0.01, "warmup_steps": 2},
    }
    for key, value in changes.items():
        data[key] = {**data[key], **value} if isinstance(value, dict) else value
    return Pretraining.resolve(data)


@pytest.mark.parametrize("kind", sorted(AUTO))
def test_the_folder_loads_as_hugging_face_and_as_a_checkpoint_of_ours(corpus: Path, tmp_path: Path, kind: str) -> None:
    found = pretrain(asked(corpus, tmp_path, kind))
    names = {path.name for path in found.folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "pretraining.json"} <= names
    model = getattr(transformers, AUTO[kind]).from_pretrained(found.folder, local_files_only=True)
    assert sum(weight.numel() for weight in model.parameters()) == found.parameters
    cut = transformers.AutoTokenizer.from_pretrained(found.folder, local_files_only=True)
    ours = Subwords.load(found.folder)
    text = "Chest pain at rest; naïve 5 mg."
    before, after = ours.special_tokens
    assert cut(text)["input_ids"] == [*before, *ours.encode(text).tolist(), *after]
    assert cut.decode(cut(text)["input_ids"], skip_special_tokens=True) == text
    assert ours.size == model.config.vocab_size
    states = transformers.AutoModel.from_pretrained(found.folder, local_files_only=True)
    assert states.config.model_type == kind
    assert not (found.folder / "pretraining.json").read_text(encoding="utf-8").count("diabetes")


def test_it_learns_more_than_frequencies(corpus: Path, tmp_path: Path) -> None:
    found = pretrain(asked(corpus, tmp_path, train={"epochs": 20}))
    assert found.loss < 0.6 * found.unigram_loss
    assert found.perplexity == pytest.approx(np.exp(found.loss))


def test_the_same_seed_gives_the_same_weights_and_a_stopped_run_too(corpus: Path, tmp_path: Path) -> None:
    """Of BERT, whose hidden tokens are drawn at random in each step."""
    straight = pretrain(asked(corpus, tmp_path / "straight", "bert"))
    stopped = asked(corpus, tmp_path / "stopped", "bert", train={"checkpoint_every_steps": 3})
    import icdcoder.nn.language_model as language_model

    steps, forward = 0, language_model.LanguageModel.forward

    def interrupted(self: Any, batch: Any) -> Any:
        nonlocal steps
        steps += self.training
        if steps == 8:
            raise KeyboardInterrupt
        return forward(self, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(language_model.LanguageModel, "forward", interrupted)
        with pytest.raises((KeyboardInterrupt, TrainingStoppedError)):
            pretrain(stopped)
    again = pretrain(stopped)
    weights = [
        transformers.AutoModelForMaskedLM.from_pretrained(one.folder, local_files_only=True).state_dict()
        for one in (straight, again)
    ]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_excluded_texts_and_doubles_are_left_out_and_counted(corpus: Path, tmp_path: Path) -> None:
    rows = corpus.read_text(encoding="utf-8").splitlines()
    held_out = tmp_path / "held_out.jsonl"
    secret = json.dumps(
        {"text": "Femoral neck fracture after a fall from a ladder in the garden, operated on the same day."}
    )
    held_out.write_text(secret, encoding="utf-8")
    more = tmp_path / "more.jsonl"
    more.write_text(
        "\n".join([*rows, rows[0], secret.replace("Femoral", "FEMORAL"), '{"text": " "}']), encoding="utf-8"
    )
    wanted = asked(more, tmp_path, exclude=[{"kind": "jsonl", "path": str(held_out)}], train={"epochs": 1})
    found = pretrain(wanted)
    counted = json.loads((found.folder / "pretraining.json").read_text(encoding="utf-8"))["sources"][0]
    assert counted["like an excluded text"] == 1
    assert counted["empty"] == 1
    assert counted["twice"] >= 1
    assert "ladder" not in (found.folder / "tokenizer.json").read_text(encoding="utf-8")


def test_a_share_takes_some_texts_and_always_the_same(corpus: Path, tmp_path: Path) -> None:
    from icdcoder.core.progress import SILENT
    from icdcoder.experiment.pretraining.data import require_data

    half = [{"kind": "jsonl", "path": str(corpus), "share": 0.5}]
    first = require_data(asked(corpus, tmp_path / "a", texts=half), SILENT)
    second = require_data(asked(corpus, tmp_path / "b", texts=half), SILENT)
    assert np.array_equal(first.train, second.train)
    assert 30 < first.card["sources"][0]["taken"] < 90


def test_other_settings_are_refused_and_fresh_begins_anew(corpus: Path, tmp_path: Path) -> None:
    pretrain(asked(corpus, tmp_path, train={"epochs": 1}))
    other = asked(corpus, tmp_path, model={"layers": 2}, train={"epochs": 1})
    with pytest.raises(ArtefactError, match="in model"):
        pretrain(other)
    assert pretrain(other, fresh=True).folder.is_dir()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"kind": "llamma"}}, "Did you mean 'llama'"),
        ({"model": {"heads": 3}}, "each head needs an even width"),
        ({"texts": [{"kind": "jsonl", "path": "x", "share": 2}]}, "'texts.share' is 2"),
        ({"texts": [{"kind": "json"}]}, "Did you mean 'jsonl'"),
        ({"texts": [{}]}, "needs a kind"),
        ({"vocabulary": 3}, "Unknown key 'vocabulary'"),
    ],
)
def test_a_wrong_configuration_is_a_sentence(
    corpus: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        if "vocabulary" in changes:
            Pretraining.resolve(
                {"name": "x", "texts": [{"kind": "jsonl", "path": "x"}], "model": {"kind": "t5"}, **changes}
            )
        pretrain(asked(corpus, tmp_path, **changes))


def test_too_few_texts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text('{"text": "one note"}', encoding="utf-8")
    with pytest.raises(InputError, match="No text is left for"):
        pretrain(asked(path, tmp_path))


def test_blocks_are_of_one_size() -> None:
    flat = np.arange(10, dtype=np.int32)
    assert [block.tolist() for block in Blocks(flat, 4)] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert [block.tolist() for block in Blocks(flat, 40)] == [flat.tolist()]
    assert len(Blocks(flat, 4)[0:9]) == 2


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_shipped_configuration_resolves_and_is_short(path: Path) -> None:
    wanted = Pretraining.load(path)
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 25
    assert wanted.architecture == path.stem
    kept_out = [split for source in wanted.exclude for split in source.settings.splits]  # pyright: ignore[reportAttributeAccessIssue]
    assert kept_out == ["validation", "test"]
