"""Word vectors (word2vec, Mikolov et al. 2013) of the training notes, with which the field's CNNs and LSTMs start.

CAML and LAAT train theirs on the notes of all parts, so that words of the test part are known before it is seen; here
the training part is all that is read, unless `parts = "all"` repeats their runs. They train on whole notes, too; here
on what the model reads of them, cut to `max_tokens`. What the vocabulary leaves out is one word, UNKNOWN, with a vector
of its own, where the authors train one for each rare word and then drop it. Vectors are kept in the cache by what made
them.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from icdcoder.core.cache import cache_folder, content_key, write_atomic
from icdcoder.core.components import extra_named
from icdcoder.core.config import Settings
from icdcoder.core.errors import ArtefactError
from icdcoder.core.progress import SILENT, Progress

# gensim cuts off what a sentence has beyond this.
LONGEST = 10_000

Vectors = npt.NDArray[np.float32]


class Config(Settings):
    """kind: "random" trains none. The others' defaults are those of CAML: CBOW, five epochs, a window of five words.

    parts: "all" reads validation and test notes too (never their codes), as the code of CAML, MultiResCNN, LAAT, MSMN
    and TransICD does; of use to repeat their figures alone, and said in the report.
    normalise: each vector to length 1. workers: threads; with more than one, the vectors differ from run to run.
    The width is that of the model's `embedding`.
    """

    kind: Literal["random", "cbow", "skipgram"] = "random"
    epochs: int = Field(default=5, ge=1)
    window: int = Field(default=5, ge=1)
    negative: int = Field(default=5, ge=1)
    parts: Literal["train", "all"] = "train"
    normalise: bool = True
    workers: int = Field(default=1, ge=1)


def word_vectors(
    notes: Sequence[npt.NDArray[np.int32]],
    vocabulary_size: int,
    width: int,
    config: Config,
    *,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Vectors:
    """Vectors "word width", from the cache where the same notes and settings made them.

    notes: vocabulary numbers of each *training* note; with `parts = "all"`, of every note. Row 0, padding, is zero; a
    word that no note holds gets a random vector of the same kind of length. Raises MissingExtraError without gensim.
    """
    if config.kind == "random":
        raise ValueError("random vectors are the model's own; ask for cbow or skipgram")
    # Which parts were read is told by the notes.
    settings = config.model_dump_json(exclude={"parts", "workers"} if config.workers == 1 else {"parts"})
    key = content_key(settings, f"{vocabulary_size} {width} {seed} {_gensim().__version__}", _digest(notes))
    path = cache_folder() / "word_vectors" / f"{key}.npy"
    if path.is_file():
        return _load(path, (vocabulary_size, width))
    vectors = _trained(notes, vocabulary_size, width, config, seed, progress)
    body = io.BytesIO()
    np.save(body, vectors, allow_pickle=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtefactError(f"{path.parent} cannot be made: {error.strerror}.") from None
    write_atomic(path, body.getvalue())
    return vectors


def _load(path: Path, shape: tuple[int, int]) -> Vectors:
    try:
        vectors = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError):
        vectors = None
    if vectors is None or vectors.shape != shape or vectors.dtype != np.float32:
        raise ArtefactError(f"{path} is damaged; remove it, and it is made anew.")
    return vectors


def _trained(
    notes: Sequence[npt.NDArray[np.int32]],
    vocabulary_size: int,
    width: int,
    config: Config,
    seed: int,
    progress: Progress,
) -> Vectors:
    with progress.track(f"Word vectors ({config.kind})") as step:
        model = _gensim().models.Word2Vec(
            sentences=_Sentences(notes),
            vector_size=width,
            window=config.window,
            negative=config.negative,
            sg=int(config.kind == "skipgram"),
            min_count=0,
            epochs=config.epochs,
            workers=config.workers,
            seed=seed + 1,  # 0 is not taken as a seed
        )
        step(len(model.wv.index_to_key))
    drawn = np.random.default_rng(seed).standard_normal((vocabulary_size, width)).astype(np.float32)
    rows = np.array([int(word) for word in model.wv.index_to_key], dtype=np.int64)
    lengths = np.linalg.norm(model.wv.vectors, axis=1)
    vectors = drawn * (float(lengths.mean()) / np.linalg.norm(drawn, axis=1, keepdims=True))
    vectors[rows] = model.wv.vectors
    if config.normalise:
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-6
    vectors[0] = 0.0
    return vectors.astype(np.float32)


class _Sentences:
    """Notes as gensim wants them: words are the decimal numbers of the vocabulary, so that no text is handed on."""

    def __init__(self, notes: Sequence[npt.NDArray[np.int32]]) -> None:
        self._notes = notes

    def __iter__(self) -> Iterator[list[str]]:
        for note in self._notes:
            for start in range(0, len(note), LONGEST):
                yield [str(number) for number in note[start : start + LONGEST].tolist()]


def _digest(notes: Sequence[npt.NDArray[np.int32]]) -> str:
    digest = hashlib.sha256()
    for note in notes:
        digest.update(len(note).to_bytes(8, "little"))
        digest.update(np.ascontiguousarray(note, dtype=np.int32).tobytes())
    return digest.hexdigest()


def _gensim() -> Any:
    with extra_named("word vectors"):
        import gensim
    return gensim
