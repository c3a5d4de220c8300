"""The prepared folder: documents, tokens, label space and reader, each readable by other tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.core.artefact import load_card, manifest, save_card, verify
from icdcoder.core.document import Split
from icdcoder.core.errors import ArtefactError
from icdcoder.core.label_space import LabelSpace
from icdcoder.experiment import documents as rows
from icdcoder.experiment.documents import Documents
from icdcoder.text import reader, samplers
from icdcoder.text.reader import Encoded, Ids, Reader
from icdcoder.text.sample import Sampler

FORMAT = 2
TOKENS = "tokens.npy"
SPACE = "space.json"
CARD = "card.json"
WHAT = "a prepared corpus (make it with: icdcoder prepare CONFIG)"


@dataclass(frozen=True)
class Ragged:
    """Rows of unequal length in one array: row i is `flat[starts[i] : starts[i + 1]]`."""

    flat: npt.NDArray[Any]
    starts: npt.NDArray[np.int64]

    @classmethod
    def of_lengths(cls, flat: npt.NDArray[Any], lengths: npt.NDArray[Any]) -> Ragged:
        return cls(flat, np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, row: int) -> npt.NDArray[Any]:
        return self.flat[self.starts[row] : self.starts[row + 1]]


@dataclass(frozen=True)
class Prepared:
    """One prepared corpus. Its texts stay on disk, its tokens are mapped from there.

    documents: one note each (the document's notes joined), all splits, with all gold codes of the systems chosen,
    also those outside `space`. ids, patients, splits: of each document. tokens: ids of `reader`, of which `sampler`
    chose `max_tokens` where a document has more. codes: columns of `space`, rising; the codes outside it are not among
    them.
    """

    documents: Documents
    ids: Sequence[str]
    patients: Sequence[str]
    splits: npt.NDArray[np.str_]
    tokens: Ragged
    codes: Ragged
    space: LabelSpace
    reader: Reader
    sampler: Sampler
    max_tokens: int
    card: dict[str, Any]

    def read(self, text: str) -> Encoded:
        """What a model reads of a text, with its places: of the text of document i, the ids are `tokens[i]`."""
        return samplers.read(self.reader, text, self.max_tokens, self.sampler)[0]

    def split(self, split: Split) -> list[int]:
        """Indices of the documents of one split. Raises ArtefactError where it is empty."""
        chosen = np.flatnonzero(self.splits == split).tolist()
        if not chosen:
            raise ArtefactError(f"The prepared corpus has no {split} documents.")
        return chosen

    def gold(self, indices: Sequence[int]) -> npt.NDArray[np.bool_]:
        """Gold matrix "note code" of some documents."""
        matrix = np.zeros((len(indices), len(self.space)), dtype=np.bool_)
        for row, i in enumerate(indices):
            matrix[row, self.codes[i]] = True
        return matrix

    def counts(self, indices: Sequence[int]) -> npt.NDArray[np.int64]:
        """How many of some documents have each code, in the order of the space."""
        chosen = [self.codes[i] for i in indices]
        return np.bincount(np.concatenate([*chosen, np.zeros(0, dtype=np.int32)]), minlength=len(self.space))

    @classmethod
    def load(cls, folder: Path, *, verified: bool = False) -> Prepared:
        """verified: the files were written by this process, and their hashes need not be taken again.

        Raises ArtefactError where the folder is missing, incomplete or damaged.
        """
        card = load_card(folder / CARD, WHAT, ["format", "files", "settings"])
        if card["format"] != FORMAT:
            raise ArtefactError(
                f"{folder} has format {card['format']}, this icdcoder reads {FORMAT}; prepare it anew with --fresh."
            )
        if not verified:
            verify(folder, card["files"])
        frame = rows.columns(folder / rows.FILE)
        space = LabelSpace.load(folder / SPACE)
        flat: Ids = np.asarray(np.load(folder / TOKENS, mmap_mode="r", allow_pickle=False))
        tokens = Ragged.of_lengths(flat, frame["tokens"].to_numpy())
        if tokens.starts[-1] != len(flat):
            raise ArtefactError(
                f"{folder} is damaged: {rows.FILE} counts {tokens.starts[-1]} tokens, {TOKENS} holds {len(flat)}."
            )
        text, own_text = reader.resolve(card["settings"]["text"])
        return cls(
            documents=Documents(folder / rows.FILE, frame.height),
            ids=frame["id"].to_list(),
            patients=frame["patient"].to_list(),
            splits=np.array(frame["split"].to_list(), dtype=np.str_),
            tokens=tokens,
            codes=Ragged.of_lengths(*rows.code_columns(folder / rows.FILE, space)),
            space=space,
            reader=reader.load(folder, text, own_text),
            sampler=samplers.load(folder, text),
            max_tokens=text.max_tokens,
            card=card,
        )


def finish(folder: Path, space: LabelSpace, reads: Reader, sampler: Sampler, card: dict[str, Any]) -> None:
    """Writes what belongs beside documents and tokens, and last the card, which makes the folder a prepared one."""
    space.save(folder / SPACE)
    reads.save(folder)
    sampler.save(folder)
    files = manifest(folder, (rows.FILE, TOKENS, SPACE, *reads.files, *sampler.files))
    save_card(folder / CARD, {"format": FORMAT, **card, "files": files})
