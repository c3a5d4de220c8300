from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from icdcoder.core.errors import ArtefactError
from icdcoder.knowledge import word_vectors as module
from icdcoder.knowledge.word_vectors import Config, word_vectors

pytest.importorskip("gensim")
CBOW = Config(kind="cbow", epochs=20)


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("ICDCODER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "word_vectors"


@pytest.fixture(scope="module")
def notes() -> list[np.ndarray]:
    """Words 2-9 stand together, and so do 10-17; 18 stands nowhere."""
    draw = random.Random(0)
    return [
        np.array([draw.choice(range(start, start + 8)) for _ in range(30)], dtype=np.int32) for start in (2, 10) * 60
    ]


@pytest.mark.parametrize("kind", ["cbow", "skipgram"])
def test_words_of_the_same_notes_are_near(kind: str, notes: list[np.ndarray], cache: Path) -> None:
    got = word_vectors(notes, 19, 16, Config(kind=kind, epochs=20))  # type: ignore[arg-type]
    assert got.shape == (19, 16)
    assert got.dtype == np.float32
    near = got[2:10] @ got[2:10].T
    far = got[2:10] @ got[10:18].T
    assert near.mean() > far.mean() + 0.3


def test_padding_is_zero_and_every_other_word_has_length_one(notes: list[np.ndarray], cache: Path) -> None:
    got = word_vectors(notes, 19, 16, CBOW)
    assert not got[0].any()
    assert np.linalg.norm(got[1:], axis=1) == pytest.approx(1, abs=1e-3)
    plain = word_vectors(notes, 19, 16, CBOW.model_copy(update={"normalise": False}))
    assert np.linalg.norm(plain[2:18], axis=1).std() > 0


def test_the_same_notes_and_settings_give_the_same_vectors_from_the_cache(
    notes: list[np.ndarray], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = word_vectors(notes, 19, 16, CBOW)
    (path,) = cache.iterdir()
    path.unlink()
    assert (word_vectors(notes, 19, 16, CBOW) == first).all()
    monkeypatch.setattr(module, "_trained", lambda *_: pytest.fail("the cache was not used"))
    assert (word_vectors(notes, 19, 16, CBOW) == first).all()


def test_other_notes_settings_and_seeds_are_other_vectors(notes: list[np.ndarray], cache: Path) -> None:
    word_vectors(notes, 19, 16, CBOW)
    word_vectors(notes[:-1], 19, 16, CBOW)
    word_vectors(notes, 19, 16, CBOW, seed=1)
    word_vectors(notes, 19, 16, Config(kind="cbow", epochs=21))
    assert len(list(cache.iterdir())) == 4


def test_a_damaged_file_is_a_sentence(notes: list[np.ndarray], cache: Path) -> None:
    word_vectors(notes, 19, 16, CBOW)
    (path,) = cache.iterdir()
    path.write_bytes(b"x")
    with pytest.raises(ArtefactError, match="is damaged; remove it"):
        word_vectors(notes, 19, 16, CBOW)


def test_long_notes_are_not_cut_off() -> None:
    note = np.arange(25_000, dtype=np.int32)
    pieces = list(module._Sentences([note]))
    assert max(map(len, pieces)) <= module.LONGEST
    assert [int(word) for piece in pieces for word in piece] == note.tolist()
