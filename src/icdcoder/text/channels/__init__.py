"""What a model may need to know of each token beside its word, one file a channel.

A channel is a module with `of(text, offsets)`, which gives one whole number a token, 0 where there is nothing to say.
offsets: "token 2", [start, end) into the text, in order.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from icdcoder.core import components

FOLDER = "text.channels"


def compute(names: Iterable[str], text: str, offsets: npt.NDArray[np.integer]) -> dict[str, npt.NDArray[np.int32]]:
    """{name: one number a token}. Raises ConfigError for an unknown name."""
    return {name: components.load(FOLDER, name).of(text, offsets) for name in names}
