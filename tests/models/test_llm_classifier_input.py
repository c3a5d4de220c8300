"""What LLAMA2-C does with input that is not as it should be, and what notes of one batch do to each other: nothing."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError, InputError
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import llm_classifier
from icdcoder.models.llm_classifier import LLMClassifier
from icdcoder.nn.batching import TokenisedNotes, training_batches
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.losses import binary_cross_entropy
from icdcoder.text.readers.subwords import Subwords
from icdcoder.train.config import TrainConfig
from icdcoder.train.loop import train
from icdcoder.train.stopping import TrainingStoppedError

CODES = 5
SPACE = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(CODES))


def build(checkpoint: Path, **settings: object) -> LLMClassifier:
    torch.manual_seed(0)
    config = llm_classifier.Config(checkpoint=checkpoint, **settings)
    return llm_classifier.build(config, ModelContext(Subwords.load(checkpoint).size, SPACE)).eval()


def notes(count: int = 24, longest: int = 40, seed: int = 0) -> TokenisedNotes:
    draw = np.random.default_rng(seed)
    tokens = [draw.integers(4, 60, draw.integers(1, longest)).astype(np.int32) for _ in range(count)]
    gold = [draw.choice(CODES, 2, replace=False).astype(np.int32) for _ in range(count)]
    return TokenisedNotes(tokens, CODES, gold)


@pytest.mark.parametrize("kind", ["llama", "bert", "roberta"])
@pytest.mark.parametrize(
    "settings",
    [{"pooling": "last"}, {"pooling": "label_attention"}, {"pooling": "mean", "chunk": 11, "overlap": 3}],
)
def test_a_note_scores_the_same_alone_and_in_any_batch(checkpoints: dict[str, Path], kind: str, settings: dict) -> None:
    model, read = build(checkpoints[kind], **settings), notes()
    with torch.no_grad():
        alone = torch.cat([model(read.batch([i])).logits for i in range(len(read))])
        for epoch in (1, 2):
            for batch in training_batches(read.lengths, 5, seed=3, epoch=epoch):
                torch.testing.assert_close(model(read.batch(batch)).logits, alone[batch], atol=2e-5, rtol=1e-4)


def test_length_bucketing_leaves_less_than_three_in_a_hundred_of_padding() -> None:
    """So there is little that packing notes into one row could save."""
    draw = np.random.default_rng(0)
    lengths = np.clip(draw.lognormal(np.log(1300), 0.55, 2000).astype(np.int64), 20, 4000)
    for size in (2, 4, 16):
        computed = sum(len(batch) * lengths[batch].max() for batch in training_batches(lengths, size, seed=0, epoch=1))
        assert computed / lengths.sum() < 1.03


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_checkpoint(
    checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    read, steps = notes(12), []

    def spoilt(scores: Scores, batch: Batch) -> Tensor:
        steps.append(1)
        return binary_cross_entropy(scores, batch) * (math.nan if len(steps) == 5 else 1.0)

    config = TrainConfig(epochs=2, batch_size=4, checkpoint_every_steps=1, learning_rate=1e-3, monitor="x")
    ids = [f"note-{i}" for i in range(12)]

    def validate(model: nn.Module, epoch: int) -> dict[str, float]:
        return {"x": 0.5}

    with pytest.raises(TrainingStoppedError) as stopped:
        train(build(checkpoints["llama"]), read, validate, config, tmp_path, loss=spoilt, ids=ids, cpu=True)
    said = str(stopped.value)
    assert "the loss is nan at step 5" in said
    named = {word.strip(".,") for word in said.split() if word.startswith("note-")}
    fifth = training_batches(read.lengths, 4, seed=0, epoch=2)[1]
    assert named == {ids[i] for i in fifth}
    kept = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert kept[-1] == "step-00000004"
    state = json.loads((tmp_path / "checkpoints" / kept[-1] / "state.json").read_text())
    assert state["step"] == 4
    # What is kept is good: with a loss that is a number again, the run goes on from there to its end.
    model = build(checkpoints["llama"])
    result = train(model, read, validate, config, tmp_path, ids=ids, cpu=True)
    assert result.steps == 6
    assert all(torch.isfinite(weight).all() for weight in model.parameters())


def test_weights_that_overflow_are_no_checkpoint(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    model = build(checkpoints["llama"], tuning="full")
    config = TrainConfig(epochs=3, batch_size=4, checkpoint_every_steps=1, learning_rate=1e38, monitor="x")
    with pytest.raises(TrainingStoppedError, match=r"[Dd]iverged.*learning_rate"):
        train(model, notes(12), lambda *_: {"x": 0.5}, config, tmp_path, cpu=True)
    from safetensors.torch import load_file

    for path in (tmp_path / "checkpoints").glob("step-*/model.safetensors"):
        assert all(torch.isfinite(tensor).all() for tensor in load_file(path).values())


def test_a_model_without_a_pad_token_pads_all_the_same(tiny_models: object, tmp_path: Path) -> None:
    saved = tiny_models.save("llama", tmp_path / "bare", pad_token_id=None)  # type: ignore[attr-defined]
    assert json.loads((saved / "config.json").read_text()).get("pad_token_id") is None
    model, read = build(saved), notes(6)
    with torch.no_grad():
        together = model(read.batch(range(6))).logits
        for i in range(6):
            torch.testing.assert_close(together[i], model(read.batch([i])).logits[0], atol=2e-5, rtol=1e-4)


def test_a_checkpoint_that_is_not_there_is_named(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="needs the extra [llm]")
    with pytest.raises(ConfigError, match=r"There is no checkpoint.*nothing-here.*downloads none unasked"):
        llm_classifier.build(llm_classifier.Config(checkpoint=tmp_path / "nothing-here"), ModelContext(50, SPACE))


def test_a_checkpoint_of_other_sizes_says_so(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(checkpoints["llama"], tmp_path / "other"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 40}))
    with pytest.raises(ConfigError, match=r"weights in .*other"):
        build(folder)


def test_a_tokenizer_that_does_not_fit_says_how_to_mend_it(checkpoints: dict[str, Path]) -> None:
    config = llm_classifier.Config(checkpoint=checkpoints["llama"])
    with pytest.raises(ConfigError, match=r"5000 different tokens.*own tokenizer"):
        llm_classifier.build(config, ModelContext(5000, SPACE))


def test_a_note_beyond_the_context_says_what_to_set(checkpoints: dict[str, Path]) -> None:
    model, long = build(checkpoints["llama"]), TokenisedNotes([np.full(80, 5, dtype=np.int32)], CODES)
    with pytest.raises(InputError, match=r"81 tokens.*text.max_tokens to 63.*model.chunk"):
        model(long.batch([0]))
