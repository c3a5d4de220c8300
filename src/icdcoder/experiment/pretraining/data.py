"""The training text of a language model, cut into tokens, on disk: data/ in the folder of a pretraining.

tokenizer.json; train.npy and validation.npy, one row of token numbers each, mapped from disk in training; card.json,
which counts what was taken and what was left out.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from icdcoder.core.artefact import load_card, manifest, save_card, verify
from icdcoder.core.cache import atomic_folder
from icdcoder.core.errors import ArtefactError, InputError
from icdcoder.core.progress import Progress
from icdcoder.experiment.pretraining import tokenizer as tokenizers
from icdcoder.experiment.pretraining.config import Pretraining
from icdcoder.experiment.pretraining.kept_out import KeptOut

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CARD = "card.json"
PARTS = ("train", "validation")
# Texts that are cut into tokens together.
TOGETHER = 256


@dataclass(frozen=True, slots=True)
class Data:
    """train, validation: token numbers of the texts, one after the other, special tokens between them."""

    train: npt.NDArray[np.int32]
    validation: npt.NDArray[np.int32]
    tokenizer: Path
    token: dict[str, int]
    size: int
    card: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Blocks(Sequence[npt.NDArray[np.int32]]):
    """A row of tokens as blocks of one size; what is left at the end is not used unless there is nothing else."""

    flat: npt.NDArray[np.int32]
    size: int

    def __len__(self) -> int:
        return max(1, len(self.flat) // self.size)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.flat[index * self.size : (index + 1) * self.size]


def require_data(asked: Pretraining, progress: Progress) -> Data:
    """Makes the folder, or takes what an earlier call with the same settings made. Raises InputError, ArtefactError."""
    folder = asked.folder / "data"
    if not (folder / CARD).is_file():
        with atomic_folder(folder, replace=True) as work:
            _make(asked, work, progress)
    card = load_card(folder / CARD, "the text of a pretraining", ["settings", "files", "token", "size"])
    if card["settings"] != asked.data_digest():
        raise ArtefactError(
            f"{folder} was made with other settings of texts, vocabulary or context. Choose another name "
            "(--set name=…) or begin anew with --fresh."
        )
    verify(folder, card["files"])
    found = {part: np.load(folder / f"{part}.npy", mmap_mode="r", allow_pickle=False) for part in PARTS}
    return Data(found["train"], found["validation"], folder / tokenizers.FILE, card["token"], card["size"], card)


def _make(asked: Pretraining, work: Path, progress: Progress) -> None:
    with progress.track("excluded texts") as step:
        kept_out = KeptOut((text for source in asked.exclude for text in source.texts()), asked.overlap)
        step(len(kept_out))
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    counts: list[dict[str, Any]] = []
    seen: set[bytes] = set()
    with progress.track("texts") as step:
        for source in asked.texts:
            counted = Counter[str]()
            for part, text in _chosen(source, asked, kept_out, seen, counted):
                parts[part].append(text)
                step(1)
            counts.append({"kind": source.kind, **counted})
    for part in PARTS:
        if not parts[part]:
            raise InputError(f"No text is left for {part}: more texts are needed, or a larger 'validation' share.")
    with progress.track("tokenizer") as step:
        cut = tokenizers.learn(parts["train"], asked.model.vocabulary, asked.module)
        step(1)
    cut.save(str(work / tokenizers.FILE))
    token = {name: int(cut.token_to_id(name) or 0) for name in asked.module.SPECIAL}
    between = [token[name] for name in asked.module.BETWEEN]
    for part in PARTS:
        np.save(work / f"{part}.npy", _flat(cut, parts[part], between), allow_pickle=False)
    card = {
        "settings": asked.data_digest(),
        "sources": counts,
        "excluded texts": len(kept_out),
        "texts": {part: len(parts[part]) for part in PARTS},
        "token": token,
        "size": max(cut.get_vocab(with_added_tokens=True).values()) + 1,
        "files": manifest(work, (tokenizers.FILE, *(f"{part}.npy" for part in PARTS))),
    }
    save_card(work / CARD, card)


def _chosen(
    source: Any, asked: Pretraining, kept_out: KeptOut, seen: set[bytes], counted: Counter[str]
) -> Iterator[tuple[str, str]]:
    """(part, text). Chance is the hash of a text, so that a text is in the same part wherever it comes from."""
    for text in source.texts():
        key = hashlib.blake2b(
            " ".join(text.split()).encode(), digest_size=16, salt=f"{asked.seed}".encode()[:16]
        ).digest()
        if not text.strip():
            counted["empty"] += 1
        elif int.from_bytes(key[:8]) >= source.share * 2**64:
            counted["not in the share"] += 1
        elif key in seen:
            counted["twice"] += 1
        elif kept_out.holds(text):
            counted["like an excluded text"] += 1
        else:
            seen.add(key)
            counted["taken"] += 1
            counted["characters"] += len(text)
            yield ("validation" if int.from_bytes(key[8:]) < asked.validation * 2**64 else "train"), text


def _flat(cut: Tokenizer, texts: Sequence[str], between: Sequence[int]) -> npt.NDArray[np.int32]:
    """In the order of the texts; training shuffles the blocks."""
    rows = []
    cut.encode_special_tokens = True  # a text that spells a special token is read as the characters that it has
    for start in range(0, len(texts), TOGETHER):
        for encoding in cut.encode_batch_fast(list(texts[start : start + TOGETHER]), add_special_tokens=False):
            rows.append(np.array([*encoding.ids, *between], dtype=np.int32))
    return np.concatenate(rows)
