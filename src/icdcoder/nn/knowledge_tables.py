"""What a model makes of its knowledge of codes, kept in buffers, so that a saved model brings it along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn

from icdcoder.nn.contract import PAD, UNKNOWN, ModelContext


def token_table(texts: Sequence[str], width: int, context: ModelContext) -> Int[Tensor, "text width"]:
    """The vocabulary numbers of each text, cut to `width`, filled up with PAD.

    A text without a word is one UNKNOWN, as CAML's code has it. Where the context cannot encode, since the weights
    will come from a file, all is PAD.
    """
    table = torch.full((len(texts), width), PAD)
    if context.encode is not None:
        for row, text in zip(table, texts, strict=True):
            numbers = context.encode(text)[:width]
            if len(numbers):
                row[: len(numbers)] = torch.from_numpy(np.asarray(numbers, dtype=np.int64))
            else:
                row[0] = UNKNOWN
    return table


def sized_by_state(module: nn.Module, *names: str) -> None:
    """When a state is loaded, these parameters and buffers of the module itself take their sizes from it.

    For tables whose size depends on knowledge, which another installation may have more or less of.
    """

    def resize(module: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
        for name in names:
            found, own = state.get(prefix + name), getattr(module, name)
            if found is not None and found.shape != own.shape:
                own.data = own.data.new_zeros(found.shape)

    module.register_load_state_dict_pre_hook(resize)
