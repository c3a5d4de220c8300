"""Words with offsets. Each published system cuts words by a rule of its own; each rule is one function here."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Tokens:
    """texts: lower-cased tokens in order. offsets: "token 2", [start, end) into the text they were cut from."""

    texts: list[str]
    offsets: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.texts)


def words(text: str) -> Tokens:
    r"""The rule of CAML (Mullenbach et al. 2018): runs of \w, without those that are numbers throughout, lower-cased.

    "250mg" stays, "500" goes; an underscore counts as a letter.
    """
    texts, offsets = [], []
    for match in _WORD.finditer(text):
        token = match.group()
        if not token.isnumeric():
            texts.append(token.lower())
            offsets.append(match.span())
    return Tokens(texts, np.asarray(offsets, dtype=np.int32).reshape(-1, 2))
