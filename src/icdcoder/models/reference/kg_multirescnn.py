"""KG_MultiResCNN of PrantikGoswami/KG-MultiResCNN without the sentiment (KG_MultiResCNN.ipynb)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from re import fullmatch

from torch import nn

from icdcoder.core.label_space import LabelSpace
from icdcoder.models.reference import multirescnn
from icdcoder.models.reference._patterns import Patterns, by_patterns

UNKNOWN = "last"
NAMED = {"vectors": 0}
NAMES = (
    "the entities as codes (icd9cm:401.9), in the order of their vectors; of an entity that is no code, anything else"
)
MORE_ROWS = 2  # before the entities one for padding, behind them one for unknown ones
ENTITIES: Patterns = (
    (r"kg_embd\.embed\.weight", "vectors"),
    (r"kg_embd\.dim_red\.(weight|bias)", r"reduction.\1"),
    (r"kg_embd\.feature_red\.(weight|bias)", None),
)


def rename(names: Iterable[str]) -> dict[str, str | None]:
    """Theirs, but for the entities, is a MultiResCNN whose filters stand one name deeper."""
    own, shared = [], {}
    for name in names:
        if fullmatch(r"kg_embd\..*", name):
            own.append(name)
        else:
            shared[name] = name.removeprefix("conv.") if name.startswith("conv.conv.") else name
    found = multirescnn.rename(shared.values())
    return {**by_patterns(own, ENTITIES), **{name: found[inner] for name, inner in shared.items()}}


def rows(model: nn.Module, _: LabelSpace, names: Sequence[str]) -> list[int]:
    """For each entity of ours the row of theirs; that of unknown ones where they have it not."""
    row = {name: number for number, name in enumerate(names, start=1)}
    return [row.get(name, len(names) + 1) for name in getattr(model, "names", ())]
