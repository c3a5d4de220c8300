from __future__ import annotations

import numpy as np
import torch

from icdcoder.nn.batching import TokenisedNotes
from icdcoder.nn.contract import channels_of


def test_channels_are_padded_beside_the_tokens_and_move_with_them() -> None:
    rows = [np.array(row, dtype=np.int32) for row in ([5, 6, 7], [8], [])]
    marks = [np.array(row, dtype=np.int32) for row in ([0, 2, 1], [3], [])]
    batch = TokenisedNotes(rows, codes=2, channels={"marks": marks}).batch([1, 0, 2]).to("cpu")
    assert batch.channels["marks"].tolist() == [[3, 0, 0], [0, 2, 1], [0, 0, 0]]
    assert batch.channels["marks"].dtype == torch.int64
    assert TokenisedNotes(rows, codes=2).batch([0]).channels == {}


def test_a_model_names_the_channels_that_it_needs() -> None:
    class Needs:
        CHANNELS = ("marks",)

    assert channels_of(Needs()) == ("marks",)
    assert channels_of(torch.nn.Linear(1, 1)) == ()
