"""The keys and values of the words with which every prompt begins, read once and not with every note.

Under a causal mask no token knows what comes after it, so that the instruction before a note has the same keys and
values whatever the note says ("prefix caching"). They are computed for one row and laid under all rows of a batch,
which then reads the notes behind them: the same states and logits up to rounding. Worth it where the instruction is
long, as with answer formats 3 and 4, which list all codes before the note.

It cannot be done for what stands *behind* the note (the request "Codes:"), as that has read the note; for an
encoder (T5), in which the instruction attends to the note; and for rotary positions that are stretched by the length
of what is read ("dynamic", "longrope"), whose turns depend on the longest note.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# Kinds of rotary positions whose frequencies depend on how much is read.
_OF_LENGTH = {"dynamic", "longrope"}

KeysAndValues = tuple[Float[Tensor, "1 head token size"], Float[Tensor, "1 head token size"]]


@dataclass(frozen=True, slots=True)
class CachedInstruction:
    """layers: keys and values of each layer, of one row. Without layers nothing was read beforehand."""

    layers: tuple[KeysAndValues, ...] = ()

    def __len__(self) -> int:
        """Tokens."""
        return self.layers[0][0].shape[2] if self.layers else 0

    def under(self, rows: int) -> Any:
        """A cache of transformers in which so many rows have read the instruction. It may grow: nothing of it is
        shared with another."""
        from transformers import DynamicCache

        cache = DynamicCache()
        for layer, (keys, values) in enumerate(self.layers):
            cache.update(keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1), layer)
        return cache


def can_be_cached(model: PreTrainedModel) -> bool:
    """Whether what stands before a note is read alike whatever the note."""
    if model.config.is_encoder_decoder:
        return False
    rope = getattr(model.config.get_text_config(decoder=True), "rope_parameters", None) or {}
    # Families with two kinds of layers describe the positions of each.
    described = [rope, *(part for part in rope.values() if isinstance(part, Mapping))]
    return not any(part.get("rope_type") in _OF_LENGTH for part in described)


def read_instruction(model: PreTrainedModel, embeddings: Float[Tensor, "1 token hidden"]) -> CachedInstruction:
    """embeddings: of the instruction, at least one token, with knowledge injected if notes will have it. An empty
    CachedInstruction for a family whose layers keep something else than the keys and values of all tokens."""
    from transformers.cache_utils import DynamicCache, DynamicLayer

    cache = DynamicCache()
    model.base_model(
        inputs_embeds=embeddings,
        attention_mask=torch.ones(embeddings.shape[:2], dtype=torch.long, device=embeddings.device),
        past_key_values=cache,
        use_cache=True,
    )
    found: list[KeysAndValues] = []
    for layer in cache.layers:
        if type(layer) is not DynamicLayer or layer.keys is None or layer.values is None or layer.keys.ndim != 4:
            return CachedInstruction()
        found.append((layer.keys, layer.values))
    return CachedInstruction(tuple(found))
