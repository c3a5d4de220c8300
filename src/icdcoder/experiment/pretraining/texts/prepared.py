"""The notes of a prepared folder; its training part unless another is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from icdcoder.core.config import Settings
from icdcoder.core.document import Split
from icdcoder.experiment.prepared import Prepared


class Config(Settings):
    """path: what `icdcoder prepare` made. splits: as for a corpus."""

    path: Path
    splits: tuple[Split, ...] = Field(("train",), min_length=1)


def texts(config: Config) -> Iterator[str]:
    prepared = Prepared.load(config.path)
    for document, split in zip(prepared.documents, prepared.splits, strict=True):
        if split in config.splits:
            yield document.joined().text
