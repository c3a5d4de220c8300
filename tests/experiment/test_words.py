from __future__ import annotations

from pathlib import Path

import pytest
import torch

from icdcoder.coder import Coder
from icdcoder.core.artefact import load_card
from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.deciding import decide
from icdcoder.experiment.evaluating import evaluate
from icdcoder.experiment.prepare import prepare
from icdcoder.experiment.training import build_model, train_model

pytest.importorskip("gensim")

WORDS = {"kind": "cbow", "epochs": 1}


def experiment(folder: Path, **changes: object) -> Experiment:
    return Experiment.resolve(
        {
            "name": "words",
            "runs": str(folder),
            "corpus": {"kind": "synthetic", "documents": 60, "codes": 6},
            "text": {"max_tokens": 100, "min_documents": 2},
            "model": {"kind": "caml", "filters": 8, "embedding": 12, "freeze_words": True},
            "train": {"epochs": 1, "batch_size": 16},
            **changes,
        }
    )


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("ICDCODER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_model_starts_from_vectors_of_the_training_notes_alone(tmp_path: Path, cache: Path) -> None:
    asked = experiment(tmp_path, words=WORDS)
    prepared = prepare(asked)
    weight = build_model(asked, prepared).get_parameter("words.embedding.weight")
    assert weight.shape == (prepared.reader.size, 12)
    assert weight[1:].norm(dim=1).tolist() == pytest.approx([1.0] * (len(weight) - 1), abs=1e-3)
    (made,) = (cache / "word_vectors").iterdir()
    # Other notes of the other parts change nothing: the vectors come from the cache.
    held_out = prepared.split("test") + prepared.split("validation")
    tokens = prepared.tokens.flat.copy()
    for i in held_out:
        tokens[prepared.tokens.starts[i] : prepared.tokens.starts[i + 1]] = 1
    object.__setattr__(prepared.tokens, "flat", tokens)
    build_model(asked, prepared)
    assert list((cache / "word_vectors").iterdir()) == [made]


def test_vectors_of_the_notes_of_all_parts_are_said_to_be(tmp_path: Path, cache: Path) -> None:
    asked, plain = (experiment(tmp_path, words={**WORDS, **more}) for more in ({"parts": "all"}, {}))
    prepared = prepare(asked)
    train_model(asked)
    decide(asked)
    every = build_model(asked, prepared).get_parameter("words.embedding.weight")
    of_training = build_model(plain, prepared).get_parameter("words.embedding.weight")
    assert not torch.allclose(every, of_training)
    warnings = evaluate(asked).warnings
    assert warnings[0].startswith("The word vectors are of all parts (words.parts = 'all')")


def test_frozen_vectors_travel_with_the_coder(tmp_path: Path, cache: Path) -> None:
    asked = experiment(tmp_path, words=WORDS)
    prepare(asked)
    train_model(asked)
    decide(asked)
    assert load_card(asked.coder / "coder.json", "a coder")["model"]["freeze_words"] is True
    for path in (cache / "word_vectors").iterdir():
        path.unlink()
    assert Coder.load(asked.coder).predictor is not None
    with pytest.raises(ArtefactError, match="other settings \\(in words\\)"):
        train_model(experiment(tmp_path, words={"kind": "skipgram"}))


def test_frozen_random_vectors_and_models_without_words_are_refused(tmp_path: Path, cache: Path) -> None:
    asked = experiment(tmp_path)
    prepared = prepare(asked)
    with pytest.raises(ConfigError, match="freeze_words"):
        build_model(asked, prepared)
    linear = experiment(tmp_path, words=WORDS, model={"kind": "linear"})
    with pytest.raises(ConfigError, match="does not start from words"):
        build_model(linear, prepared)
