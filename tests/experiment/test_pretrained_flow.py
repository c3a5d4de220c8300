"""An experiment with a pretrained model, from text to a coder that needs no other folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from icdcoder.coder import Coder
from icdcoder.core.errors import InputError
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.deciding import decide
from icdcoder.experiment.flow import run
from icdcoder.experiment.prepare import prepare
from icdcoder.experiment.prepared import Prepared
from icdcoder.experiment.training import train_model

MODELS: dict[str, dict[str, Any]] = {
    "plm_icd": {"chunk": 64, "overlap": 8},
    "llm_classifier": {"pooling": "label_attention", "context": 256, "lora_rank": 2},
    "llm_multirescnn": {"reduction": "cnn-12_map_8", "kernels": [3], "blocks": [6], "chunk": 64, "layer": 1},
}


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_a_coder_needs_nothing_but_its_folder(tiny_models: Any, tmp_path: Path, kind: str) -> None:
    family = "roberta" if kind == "plm_icd" else "llama"
    checkpoint = tiny_models.save(family, tmp_path / "pretrained")
    asked = Experiment.resolve(
        {
            "name": "small",
            "runs": str(tmp_path / "runs"),
            "corpus": {"kind": "synthetic", "documents": 60, "codes": 6},
            "text": {"tokens": "subwords", "checkpoint": str(checkpoint), "max_tokens": 200},
            "model": {"kind": kind, "checkpoint": str(checkpoint), **MODELS[kind]},
            "train": {"epochs": 1, "batch_size": 16, "learning_rate": 0.003},
        }
    )
    run(asked)
    prepared = Prepared.load(asked.prepared)
    note = prepared.documents[0].joined()
    before = Coder.load(asked.coder).code(note)
    folder = Path(shutil.copytree(asked.coder, tmp_path / "elsewhere"))
    shutil.rmtree(checkpoint)
    shutil.rmtree(asked.folder)
    coder = Coder.load(folder)
    assert coder.code(note) == before
    assert "pretrained" not in json.dumps(coder.card["model"]) + json.dumps(coder.card["text"])
    assert before.left_unread
    assert coder.explainer == "attention"
    codes = [code.code for code in before.codes[:2]]
    weights, offsets = coder.predictor.attention(note, codes)
    assert weights.shape == (2, 200)
    assert offsets[-1, 1] <= before.left_unread[0].start


def test_a_note_that_is_too_long_is_found_before_training(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    checkpoint = str(checkpoints["llama"])
    asked = Experiment.resolve(
        {
            "name": "long",
            "runs": str(tmp_path / "runs"),
            "corpus": {"kind": "synthetic", "documents": 40, "codes": 4},
            "text": {"tokens": "subwords", "checkpoint": checkpoint, "max_tokens": 90},
            "model": {"kind": "llm_classifier", "checkpoint": checkpoint},
            "train": {"epochs": 1, "batch_size": 16},
        }
    )
    prepare(asked)
    with pytest.raises(InputError, match=r"A note has 91 tokens.*text\.max_tokens to 63"):
        train_model(asked)
    assert not (asked.run / "metrics.jsonl").exists()
    assert not (asked.run / "checkpoints").exists()


@pytest.mark.parametrize("pooling", ["last", "mean"])
def test_a_classifier_that_pools_gets_its_evidence_by_occlusion(
    checkpoints: dict[str, Path], tmp_path: Path, pooling: str
) -> None:
    checkpoint = str(checkpoints["llama"])
    asked = Experiment.resolve(
        {
            "name": "pooled",
            "runs": str(tmp_path / "runs"),
            "corpus": {"kind": "synthetic", "documents": 40, "codes": 4},
            "text": {"tokens": "subwords", "checkpoint": checkpoint, "max_tokens": 50},
            "model": {"kind": "llm_classifier", "checkpoint": checkpoint, "pooling": pooling, "lora_rank": 2},
            "train": {"epochs": 1, "batch_size": 16},
        }
    )
    prepare(asked)
    train_model(asked)
    decide(asked)
    assert Coder.load(asked.coder).explainer == "occlusion"
