"""MultiResCNN of foxlf823/Multi-Filter-Residual-Convolutional-Neural-Network (models.py)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from icdcoder.models.reference._patterns import Patterns, by_patterns

UNKNOWN = "last"
_BLOCK = r"conv\.channel-(\d+)\.resconv-(\d+)\."
PATTERNS: Patterns = (
    (r"word_rep\.embed\.weight", "words.embedding.weight"),
    (r"conv\.channel-(\d+)\.baseconv\.(weight|bias)", r"filters.\1.convolution.convolution.\2"),
    (_BLOCK + r"left\.0\.weight", r"filters.\1.blocks.\2.first.convolution.weight"),
    (_BLOCK + r"left\.1\.(\w+)", r"filters.\1.blocks.\2.first_norm.norm.\3"),
    (_BLOCK + r"left\.3\.weight", r"filters.\1.blocks.\2.second.convolution.weight"),
    (_BLOCK + r"left\.4\.(\w+)", r"filters.\1.blocks.\2.second_norm.norm.\3"),
    (_BLOCK + r"shortcut\.0\.weight", r"filters.\1.blocks.\2.shortcut.convolution.weight"),
    (_BLOCK + r"shortcut\.1\.(\w+)", r"filters.\1.blocks.\2.shortcut_norm.norm.\3"),
    (r"output_layer\.U\.weight", "label_attention.queries"),
    (r"output_layer\.U\.bias", None),
    (r"output_layer\.final\.weight", "label_attention.weights"),
    (r"output_layer\.final\.bias", "label_attention.bias"),
)


def rename(names: Iterable[str]) -> dict[str, str | None]:
    """Channels are named by their filter's width there and counted here, in the order of the file."""
    found = by_patterns(names, PATTERNS)
    widths: dict[str, str] = {}
    for name in found:
        if channel := re.match(r"conv\.channel-(\d+)\.", name):
            widths.setdefault(channel[1], str(len(widths)))
    return {
        name: ours and re.sub(r"^filters\.(\d+)", lambda match: f"filters.{widths[match[1]]}", ours)
        for name, ours in found.items()
    }
