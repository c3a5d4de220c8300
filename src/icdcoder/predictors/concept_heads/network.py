"""A small network over the scores of concepts (nn/concept_head.py), and the note's own logits where they are asked for.

The note's own logits are those of label attention whose labels are the codes (predictors/label_networks/network.py):
the network that codes the note directly, without concepts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from icdcoder.core.note import Note
from icdcoder.core.prediction import Span
from icdcoder.nn.concept_head import Head
from icdcoder.predictors.label_networks.network import LabelNetwork

HEAD = "head.safetensors"
OWN = ("note_network.safetensors", "note_vocabulary.txt")
Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class NetworkStage:
    """own: reads the note without concepts; None where the head does not take its logits."""

    head: Head
    own: LabelNetwork | None = None

    @property
    def files(self) -> tuple[str, ...]:
        return (HEAD, *(OWN if self.own else ()))

    def probabilities(self, scores: Matrix, notes: Sequence[Note], codes: Sequence[int] | None = None) -> Matrix:
        """Matrix "note code"; see `SecondStage`. All codes are computed at once."""
        found = head_probabilities(self.head, scores, None if self.own is None else self.own.scores(notes))
        return found if codes is None else found[:, list(codes)]

    def left_unread(self, scores: Matrix, note: Note) -> tuple[Span, ...]:
        return () if self.own is None else self.own.left_unread(note)

    def save(self, folder: Path) -> None:
        from safetensors.torch import save_file

        save_file(self.head.state_dict(), folder / HEAD)
        (folder / HEAD).chmod(0o644)
        if self.own is not None:
            self.own.save(folder, OWN)


def head_probabilities(head: Head, scores: Matrix, own: Matrix | None = None) -> Matrix:
    """own: "note code", or one row for all."""
    with torch.inference_mode():
        note = None if own is None else torch.from_numpy(own).expand(len(scores), -1)
        return torch.sigmoid(head(torch.from_numpy(scores), note)).numpy()
