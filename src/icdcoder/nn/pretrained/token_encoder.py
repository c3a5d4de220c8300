"""The states of a pretrained model, one for each token of a note, whatever the note's length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from icdcoder.core.errors import ConfigError, InputError
from icdcoder.nn.dropped_attention import SparingDropout
from icdcoder.nn.pretrained.chunks import Chunks, Places, cut
from icdcoder.nn.pretrained.loading import Pretrained
from icdcoder.nn.pretrained.quantised import plain_weight

Take = Callable[[Any], list[Tensor]]


@dataclass(frozen=True, slots=True)
class Chunking:
    """size: tokens that the model reads at once, special ones included; None: the whole note. overlap: tokens that two
    chunks of a note share, each read twice, for context on both sides of a cut. around: whether the model's special
    tokens stand around each chunk, or once around the whole note."""

    size: int | None = None
    overlap: int = 0
    around: Literal["chunk", "note"] = "chunk"


class TokenEncoder(nn.Module):
    """Sets the model's special tokens around a note or its chunks, and drops their states. frozen: no gradients, no
    dropout. bidirectional: a decoder's tokens see the tokens after them too (BehnamGhader et al. 2024, LLM2Vec, arXiv
    2404.05961); it needs training. checkpointing: a layer's activations are computed anew in the backward pass instead
    of being kept (Chen et al. 2016, arXiv 1604.06174).

    Weights that are not trained and come from a checkpoint's folder are not in `state_dict()`, as each checkpoint of a
    run would hold billions of them again; they stay as they are on loading. `whole_state` has them.
    Raises ConfigError where chunks are longer than the model's context, or have no room for tokens.
    """

    prefix: Tensor
    suffix: Tensor

    def __init__(
        self,
        pretrained: Pretrained,
        chunking: Chunking = Chunking(),
        *,
        frozen: bool = False,
        bidirectional: bool = False,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        config = pretrained.model.config
        self.model = pretrained.model
        self.architecture = pretrained.architecture
        self.hidden: int = config.hidden_size
        self.layers: int = config.num_hidden_layers
        self.limit = pretrained.limit
        self.frozen = frozen
        self.bidirectional = bidirectional
        self.checkpointing = checkpointing
        self.pad: int = config.pad_token_id or 0
        self.register_buffer("prefix", torch.tensor(pretrained.prefix, dtype=torch.long), persistent=False)
        self.register_buffer("suffix", torch.tensor(pretrained.suffix, dtype=torch.long), persistent=False)
        self.chunking = chunking
        self.payload = self._payload()
        if bidirectional and config._attn_implementation not in ("sdpa", "eager"):
            raise ConfigError(
                f"model.attention = '{config._attn_implementation}' takes no mask by which a decoder's tokens see "
                "those after them: set model.attention = 'sdpa', or model.bidirectional = false."
            )
        if frozen:
            self.model.requires_grad_(False).eval()
        elif checkpointing:
            self.model.activation_checkpointing_enable()
        fixed = [name for name, weight in self.model.named_parameters() if not weight.requires_grad]
        self.fixed = frozenset(f"model.{name}" for name in fixed if pretrained.found)
        keep_apart(self, "fixed")

    def train(self, mode: bool = True) -> TokenEncoder:
        """A frozen model stays in evaluation."""
        super().train(mode)
        if self.frozen:
            self.model.eval()
        return self

    def forward(
        self, tokens: Int[Tensor, "note token"], mask: Bool[Tensor, "note token"]
    ) -> Float[Tensor, "note token hidden"]:
        """States of the last layer; zeros at padding. Raises InputError where a note is longer than the context."""
        return self._of_notes(tokens, mask, lambda output: [output.last_hidden_state])[0]

    def layer(
        self, tokens: Int[Tensor, "note token"], mask: Bool[Tensor, "note token"], number: int
    ) -> Float[Tensor, "note token hidden"]:
        """States of one layer: 0, the embeddings, to `layers`, the last; −1 is the last too."""
        if number in (-1, self.layers):
            return self(tokens, mask)
        return self._of_notes(tokens, mask, lambda output: [output.hidden_states[number]], every=True)[0]

    def every_layer(
        self, tokens: Int[Tensor, "note token"], mask: Bool[Tensor, "note token"]
    ) -> list[Float[Tensor, "note token hidden"]]:
        """States of the embeddings and of each layer."""
        return self._of_notes(tokens, mask, lambda output: list(output.hidden_states), every=True)

    def chunked(
        self, tokens: Int[Tensor, "note token"], mask: Bool[Tensor, "note token"], chunks: Chunks | None = None
    ) -> tuple[Chunks, Float[Tensor, "chunk place hidden"]]:
        """States of the last layer, chunk by chunk; of no meaning where the mask of the chunks is False. Special
        tokens stand around each chunk. chunks: given ones, of `payload` places; None: they run on."""
        chunks = cut(mask, self.payload, self.chunking.overlap) if chunks is None else chunks
        return chunks, self._of_chunks(chunks, tokens, True, lambda output: [output.last_hidden_state])[0]

    def filled(
        self,
        tokens: Int[Tensor, "note token"],
        mask: Bool[Tensor, "note token"],
        least: int = 0,
        shown: bool = False,
        chunks: Chunks | None = None,
    ) -> tuple[Chunks, Float[Tensor, "chunk place hidden"]]:
        """States of the last layer at every place of a chunk, for attention that knows no mask: each chunk is filled
        up with padding, special tokens are places as others are, and a note has `least` chunks at least. The mask of
        these chunks is True throughout; the model itself is told where there is padding, unless it is `shown` as if it
        were text: then every note has as many chunks as the longest of the batch. chunks: given ones, where special
        tokens stand around each; None: they run on."""
        before, overlap = len(self.prefix), self.chunking.overlap
        if self.chunking.around == "note":
            longer, seen = self._enclosed(tokens, mask, mask.sum(1))
            chunks = cut(seen, self.payload, overlap, least=least, full=True, alike=shown)
            ids, seen = chunks.gather(longer).masked_fill(~chunks.mask, self.pad), chunks.mask
            source, real = chunks.source[:, before : before + mask.shape[1]], mask
        else:
            if chunks is None:
                chunks = cut(mask, self.payload, overlap, least=least, full=True, alike=shown)
            real = chunks.real
            width = max(1, chunks.place.shape[1])
            ids, seen = self._enclosed(chunks.gather(tokens), chunks.mask, chunks.mask.sum(1))
            source = chunks.source // width * ids.shape[1] + before + chunks.source % width
        every = torch.ones_like(seen)
        found = replace(chunks, place=torch.zeros_like(ids), mask=every, source=source * real, real=real)
        # A chunk of nothing but padding sees itself; a softmax over nothing has no value.
        seen = every if shown else seen | ~seen.any(1, keepdim=True)
        return found, self._read(ids, seen, lambda output: [output.last_hidden_state])[0].float()

    def places(
        self,
        tokens: Int[Tensor, "note token"],
        mask: Bool[Tensor, "note token"],
        padding: bool,
        least: int = 0,
        shown: bool = False,
    ) -> Places:
        """The tokens; with `padding`, all places of chunks that are `filled`."""
        if not padding:
            return Places(self(tokens, mask), mask)
        chunks, states = self.filled(tokens, mask, least, shown)
        return Places(*chunks.laid_out(states), chunks)

    def _of_notes(
        self, tokens: Int[Tensor, "note token"], mask: Bool[Tensor, "note token"], take: Take, every: bool = False
    ) -> list[Float[Tensor, "note token hidden"]]:
        overlap = self.chunking.overlap
        if self.chunking.around == "chunk":
            chunks = cut(mask, self.payload, overlap)
            return [chunks.restore(states) for states in self._of_chunks(chunks, tokens, True, take, every)]
        longer, seen = self._enclosed(tokens, mask, mask.sum(1))
        chunks = cut(seen, self.payload, overlap)
        start, width = len(self.prefix), mask.shape[1]
        found = self._of_chunks(chunks, longer, False, take, every)
        restored = (chunks.restore(states)[:, start : start + width] for states in found)
        return [states.masked_fill(~mask[..., None], 0.0) for states in restored]

    def _of_chunks(
        self, chunks: Chunks, tokens: Int[Tensor, "note token"], enclose: bool, take: Take, every: bool = False
    ) -> list[Float[Tensor, "chunk place hidden"]]:
        width = chunks.place.shape[1]
        ids, seen, start = chunks.gather(tokens).masked_fill(~chunks.mask, self.pad), chunks.mask, 0
        if enclose:
            ids, seen = self._enclosed(ids, seen, seen.sum(1))
            start = len(self.prefix)
        return [states[:, start : start + width].float() for states in self._read(ids, seen, take, every)]

    def _read(
        self, ids: Int[Tensor, "row position"], seen: Bool[Tensor, "row position"], take: Take, every: bool = False
    ) -> list[Float[Tensor, "row position hidden"]]:
        """What `take` finds in the model's answer. every: it needs the states of all layers."""
        if not len(ids):  # not one token in the batch
            return [torch.zeros(*ids.shape, self.hidden, device=ids.device)] * (self.layers + 1 if every else 1)
        self._require_short(ids.shape[1])
        learns = torch.is_grad_enabled() and not self.frozen
        # What checkpointing computes anew in the backward pass would be outside of SparingDropout.
        sparing = SparingDropout() if learns and self.training and not self.checkpointing else nullcontext()
        with torch.set_grad_enabled(learns), sparing:
            output = self.model(
                input_ids=ids,
                attention_mask=self._square(seen) if self.bidirectional else seen.long(),
                **({"output_hidden_states": True} if every else {}),
            )
        return take(output)

    def _square(self, seen: Bool[Tensor, "row position"]) -> Tensor:
        """What each position sees: every real one. sdpa is told so by truth; the plain kernel adds what it is given to
        its weights, and truth would be a mere 1 there."""
        row = seen[:, None, None, :]
        if self.model.config._attn_implementation != "sdpa":
            least = torch.finfo(self.model.dtype).min
            row = torch.zeros_like(row, dtype=self.model.dtype).masked_fill(~row, least)
        return row.expand(-1, 1, seen.shape[1], -1)

    def _enclosed(
        self, tokens: Int[Tensor, "row token"], mask: Bool[Tensor, "row token"], count: Int[Tensor, "row"]
    ) -> tuple[Int[Tensor, "row position"], Bool[Tensor, "row position"]]:
        """Tokens between the special ones, padded; the suffix follows the last token at once."""
        before, after, width = len(self.prefix), len(self.suffix), tokens.shape[1]
        ids = tokens.new_full((len(tokens), before + width + after), self.pad)
        ids[:, :before] = self.prefix
        ids[:, before : before + width] = tokens.masked_fill(~mask, self.pad)
        end = before + count[:, None]
        ids.scatter_(1, end + torch.arange(after, device=ids.device), self.suffix.expand(len(tokens), -1))
        return ids, torch.arange(ids.shape[1], device=ids.device) < end + after

    def _require_short(self, width: int) -> None:
        if self.limit is not None and width > self.limit:
            raise InputError(
                f"A note has {width} tokens, special ones included; the pretrained model reads {self.limit}: set "
                f"text.max_tokens to {self.limit - len(self.prefix) - len(self.suffix)} at most, or model.chunk to "
                "read notes in chunks."
            )

    def require_short(self, tokens: int) -> None:
        """Raises InputError where a note of so many tokens is longer than the context and is not read in chunks."""
        if self.payload is None:
            self._require_short(len(self.prefix) + tokens + len(self.suffix))

    def _payload(self) -> int | None:
        """Tokens of a chunk beside those special tokens that each chunk has."""
        size, overlap = self.chunking.size, self.chunking.overlap
        if size is None:
            return None
        payload = size - (len(self.prefix) + len(self.suffix)) * (self.chunking.around == "chunk")
        if self.limit is not None and size > self.limit:
            raise ConfigError(f"model.chunk is {size}; this pretrained model reads {self.limit} tokens at once.")
        if payload < 1 or not 0 <= overlap < payload:
            raise ConfigError(
                f"Chunks of {size} tokens, {size - payload} of them special, cannot overlap by {overlap}; make "
                "model.chunk larger or model.overlap smaller."
            )
        return payload


@runtime_checkable
class PretrainedPart(Protocol):
    """A module around a pretrained model. architecture: what builds the same model without its checkpoint. fixed: names
    of those of the module's weights that are not trained and can be had from the checkpoint's folder again."""

    architecture: dict[str, Any]
    fixed: frozenset[str]


def keep_apart(part: nn.Module, attribute: str) -> None:
    """Leaves the weights that `part` names under this attribute out of its `state_dict()`; they stay as they are on
    loading."""
    part.register_state_dict_post_hook(partial(_leave_out, attribute))
    part.register_load_state_dict_pre_hook(partial(_keep, attribute))


def _leave_out(attribute: str, part: nn.Module, state: dict[str, Tensor], prefix: str, _: object) -> None:
    for name in getattr(part, attribute):
        state.pop(prefix + name, None)


def _keep(attribute: str, part: nn.Module, state: dict[str, Tensor], prefix: str, *_: object) -> None:
    for name in getattr(part, attribute):
        state.setdefault(prefix + name, part.get_parameter(name).data)


def whole_state(model: nn.Module) -> dict[str, Tensor]:
    """`model.state_dict()` with the weights that a PretrainedPart leaves out of it: all that the model needs."""
    state = dict(model.state_dict())
    for path, part in model.named_modules():
        if isinstance(part, PretrainedPart):
            for name in part.fixed:
                state[f"{path}.{name}" if path else name] = plain_weight(model.get_submodule(path), name)
    return state


def self_contained(settings: Mapping[str, Any], model: nn.Module) -> dict[str, Any]:
    """The settings of a model by which it is built again without the folder of its checkpoint; its weights are then
    loaded from elsewhere. Unchanged for a model without a pretrained part."""
    for part in model.modules():
        if isinstance(part, PretrainedPart):
            kept = {k: v for k, v in settings.items() if k not in ("checkpoint", "base")}
            return {**kept, "architecture": part.architecture}
    return dict(settings)


def require_short(model: nn.Module, tokens: int) -> None:
    """Before training rather than in it: the longest note may come up late. Raises InputError where a pretrained part
    of the model cannot read a note of so many tokens."""
    for part in model.modules():
        if isinstance(part, TokenEncoder):
            part.require_short(tokens)


def weights(model: nn.Module) -> dict[str, int]:
    """How many numbers the model learns, and how many it has in all (its share of trainable parameters)."""
    every = list(model.parameters())
    return {"trained": sum(w.numel() for w in every if w.requires_grad), "all": sum(w.numel() for w in every)}
