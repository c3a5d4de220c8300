"""RNN of aehrc/LAAT with two levels of labels, joint_mode "hierarchical" (src/models/rnn.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from icdcoder.core.errors import InputError
from icdcoder.core.label_space import LabelSpace
from icdcoder.knowledge import hierarchy
from icdcoder.models.reference._patterns import Patterns

UNKNOWN = "first"
BY_CODE = ("label_attention.", "from_categories.")
NAMED = {"category_attention.": 0, "projection.weight": 1}
NAMES = "the categories, in the order of the first output layer"
PATTERNS: Patterns = (
    (r"embedding\.embeddings\.weight", "words.embedding.weight"),
    (r"rnn\.(\w+)", r"lstm.lstm.\1"),
    (r"attention\.first_linears\.0\.weight", "category_keys.weight"),
    (r"attention\.second_linears\.0\.weight", "category_attention.queries"),
    (r"attention\.third_linears\.0\.weight", "category_attention.weights"),
    (r"attention\.third_linears\.0\.bias", "category_attention.bias"),
    (r"projection_linears\.0\.weight", "projection.weight"),
    (r"attention\.first_linears\.1\.weight", "code_keys.weight"),
    (r"attention\.second_linears\.1\.weight", "label_attention.queries"),
    (r"attention\.third_linears\.1\.of_note", "label_attention.weights"),
    (r"attention\.third_linears\.1\.of_categories", "from_categories.weight"),
    (r"attention\.third_linears\.1\.bias", "label_attention.bias"),
    (r"attention\.linear\.weight|projection_linears\.1\.weight|linears\.\d\.(weight|bias)", None),
)


def put_together(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their output layer of the codes reads what is read of the note with what is told of the categories behind it."""
    found = dict(weights)
    first, second = "attention.third_linears.0.weight", "attention.third_linears.1.weight"
    if first in found and second in found:
        both, width = found.pop(second), found[first].shape[1]
        found["attention.third_linears.1.of_note"] = both[:, :width]
        found["attention.third_linears.1.of_categories"] = both[:, width:]
    return found


def rows(_: nn.Module, space: LabelSpace, names: Sequence[str]) -> list[int]:
    """For each category of ours the row of theirs. What codes are told comes from all categories, so there must be no
    other ones."""
    level = next(level for level in hierarchy.chain(space.codes) if level.kind == "category")
    ours = [name.partition(":")[2] for name in level.names]
    if missing := sorted(set(ours) - set(names)):
        raise InputError(f"{len(missing)} categories of the label space are not in the list, {missing[0]} first.")
    if more := sorted(set(names) - set(ours)):
        raise InputError(
            f"The label space has no code of {len(more)} categories of the list, {more[0]} first, and the scores of "
            "all codes rest on theirs too: prepare the label space that the file was trained with."
        )
    row = {name: number for number, name in enumerate(names)}
    return [row[name] for name in ours]
