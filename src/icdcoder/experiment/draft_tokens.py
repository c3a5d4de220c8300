"""The tokens of a corpus, which several have numbered: what is known of each, and which number it has with whom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from icdcoder.experiment.draft_share import Learnt
from icdcoder.text.reader import Ids


class Tokens:
    """documents: of tokens that are in at least `least` documents to learn from, in how many. types, train_types: how
    many tokens differ, in all documents kept and in the training ones.

    There are millions of tokens, most of them in one note: they are gathered without an object for each.
    """

    def __init__(self, learnt: Sequence[Learnt], least: int) -> None:
        import polars as pl

        frames = []
        for share in learnt:
            lines = pl.Series([share.names] if len(share.documents) else [], dtype=pl.String)
            names = lines.str.split("\n").explode()
            told = {"documents": share.documents, "in_training": share.in_training, "kept": share.kept}
            frames.append(pl.DataFrame({"name": names, **told}))
        self._lengths = [frame.height for frame in frames]
        every = pl.concat(frames)
        rows = every.group_by("name").agg(pl.col("documents").sum(), pl.col("in_training").any(), pl.col("kept").any())
        self.types = int(rows["kept"].sum())
        self.train_types = int(rows["in_training"].sum())
        often = rows.filter(pl.col("documents") >= least).select("name", "documents")
        self.documents: dict[str, int] = dict(often.iter_rows())
        numbered = often.select("name", place=pl.int_range(pl.len(), dtype=pl.Int32))
        places = every.select("name").join(numbered, on="name", how="left", maintain_order="left")["place"]
        self._places = places.fill_null(often.height).to_numpy()

    def of_share(self, share: int, final: npt.NDArray[np.int32]) -> Ids:
        """Of each draft id of a share the final one. final: those of `documents`, in order, and last that of a token
        which is not among them."""
        start = sum(self._lengths[:share])
        return final.take(self._places[start : start + self._lengths[share]])
