"""The prepared folder: documents, tokens, label space and vocabulary, each readable by other tools."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.core.artefact import load_card, manifest, save_card, verify
from icdcoder.core.code import Code
from icdcoder.core.document import Document, GoldEvidence, Split
from icdcoder.core.errors import ArtefactError
from icdcoder.core.label_space import LabelSpace
from icdcoder.core.note import Note
from icdcoder.text.vocabulary import Vocabulary

FORMAT = 1
FILES = ("documents.parquet", "space.json", "vocabulary.txt")


@dataclass(frozen=True)
class Prepared:
    """One prepared corpus.

    documents: one note each (the document's notes joined), all splits, with all gold codes of the systems chosen,
    also those outside `space`. tokens: vocabulary indices of each document, cut to the budget of `text.max_tokens`.
    """

    documents: tuple[Document, ...]
    tokens: tuple[npt.NDArray[np.int32], ...]
    space: LabelSpace
    vocabulary: Vocabulary
    card: dict[str, Any]

    def split(self, split: Split) -> list[int]:
        """Indices of the documents of one split. Raises ArtefactError where it is empty."""
        chosen = [i for i, document in enumerate(self.documents) if document.split == split]
        if not chosen:
            raise ArtefactError(f"The prepared corpus has no {split} documents.")
        return chosen

    def gold(self, indices: list[int]) -> npt.NDArray[np.bool_]:
        """Gold matrix "note code" of some documents."""
        return self.space.targets([self.documents[i].codes for i in indices])

    def save(self, folder: Path) -> None:
        """Writes into an existing empty folder."""
        import polars as pl

        rows = [_row(document, tokens) for document, tokens in zip(self.documents, self.tokens, strict=True)]
        pl.DataFrame(rows, schema=_schema()).write_parquet(folder / "documents.parquet")
        self.space.save(folder / "space.json")
        self.vocabulary.save(folder / "vocabulary.txt")
        save_card(folder / "card.json", {"format": FORMAT, **self.card, "files": manifest(folder, FILES)})

    @classmethod
    def load(cls, folder: Path) -> Prepared:
        """Raises ArtefactError where the folder is missing, incomplete or damaged."""
        import polars as pl

        card = load_card(folder / "card.json", "a prepared corpus (make it with: icdcoder prepare CONFIG)", ["files"])
        verify(folder, card["files"])
        frame = pl.read_parquet(folder / "documents.parquet")
        documents = tuple(_document(row) for row in frame.drop("tokens").iter_rows(named=True))
        tokens = tuple(np.asarray(row, dtype=np.int32) for row in frame["tokens"])
        space = LabelSpace.load(folder / "space.json")
        return cls(documents, tokens, space, Vocabulary.load(folder / "vocabulary.txt"), card)


def _schema() -> dict[str, Any]:
    import polars as pl

    span = pl.Struct({"code": pl.String, "start": pl.Int64, "end": pl.Int64})
    return {
        "id": pl.String,
        "patient": pl.String,
        "split": pl.String,
        "text": pl.String,
        "codes": pl.List(pl.String),
        "evidence": pl.List(span),
        "tokens": pl.List(pl.Int32),
    }


def _row(document: Document, tokens: npt.NDArray[np.int32]) -> dict[str, Any]:
    evidence = document.joined_evidence()
    spans = None if evidence is None else [{"code": str(e.code), "start": e.start, "end": e.end} for e in evidence]
    return {
        "id": document.id,
        "patient": document.patient,
        "split": document.split,
        "text": document.joined().text,
        "codes": [str(code) for code in document.codes],
        "evidence": spans,
        "tokens": tokens.tolist(),
    }


def _document(row: dict[str, Any]) -> Document:
    spans = row["evidence"]
    evidence = None
    if spans is not None:
        evidence = tuple(GoldEvidence(Code.parse(e["code"]), e["start"], e["end"]) for e in spans)
    codes = tuple(Code.parse(code) for code in row["codes"])
    return Document(row["id"], (Note(row["id"], row["text"]),), codes, row["patient"], row["split"], evidence)
