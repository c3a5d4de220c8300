"""What a language model has read and said of a batch of notes, with the keys and values of its layers (KV cache).

A whole trie of possible next tokens can be read after it in one go: each node sees the prefix and the nodes above it,
and stands at the position that it would have if only they went before ("tree attention"). Rotary and learned positions
are given as numbers. T5's positions are relative, and transformers counts them by the order of the cache: there, the
difference to the distances in the tree is put into the mask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from icdcoder.core.errors import ConfigError
from icdcoder.nn.writing.cached_instruction import CachedInstruction
from icdcoder.nn.writing.label_trie import Tile

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def after_encoder(
    model: PreTrainedModel, states: Float[Tensor, "note token hidden"], mask: Bool[Tensor, "note token"]
) -> AnswerPrefix:
    """Where the answers begin that a model of the T5 family gives to what its encoder read.

    model: with a head for generation. states: what its decoder is to see. Raises ConfigError for a decoder whose
    positions are not those of T5.
    """
    from transformers import DynamicCache, EncoderDecoderCache

    cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
    first = torch.full((len(states), 1), model.config.decoder_start_token_id, device=states.device)
    return AnswerPrefix(model, cache, _embedded(model, first), mask[:, :0], _AfterEncoder(model, states, mask))


def after_prompt(
    model: PreTrainedModel,
    embeddings: Float[Tensor, "note token hidden"],
    mask: Bool[Tensor, "note token"],
    instruction: CachedInstruction | None = None,
) -> tuple[AnswerPrefix, Float[Tensor, "note token hidden"]]:
    """(where the answers of a causal model begin, the last states at the tokens of the prompt).

    embeddings: of the prompt. mask: True on its tokens, of which each note has one at least; padding may be
    anywhere. instruction: what all prompts begin with, if that has been read; embeddings, mask and the states that
    are given back then go on from its end. Raises ConfigError for attention that takes no mask of its own, or that
    sees a window only.
    """
    call = _AfterPrompt(model)
    instruction = instruction or CachedInstruction()
    cache, known = instruction.under(len(mask)), len(instruction)
    visible = torch.nn.functional.pad(mask, (known, 0), value=True)
    positions = (visible.cumsum(1) - 1).clamp(min=0)
    states = model.base_model(
        inputs_embeds=embeddings,
        attention_mask=visible.long(),
        position_ids=positions[:, known:],
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state
    # The last token is read again with what follows it: its logits are those of the first token of the answer.
    notes = torch.arange(len(mask), device=mask.device)
    last = positions.argmax(1)
    visible[notes, last] = False
    prefix = AnswerPrefix(model, cache, embeddings[notes, last - known][:, None], visible, call)
    return prefix, states


def require_decodable(model: PreTrainedModel) -> None:
    """To be asked before a model is trained to write. Raises ConfigError where its answers could not be decoded."""
    _require_own_mask(model)
    if model.config.is_encoder_decoder:
        _relative_attention(model)


def require_seen(model: PreTrainedModel, width: int) -> None:
    """Raises ConfigError where the model sees a window that is smaller than so many tokens."""
    window = getattr(model.config.get_text_config(decoder=True), "sliding_window", None)
    if window is not None and width > window:
        raise ConfigError(
            f"The model sees {window} tokens at once, and the prompt with its answer has {width}: what it writes would "
            "not be exact. Read fewer tokens of a note (text.max_tokens)."
        )


class AnswerPrefix:
    """Made by `after_encoder` or `after_prompt`; it changes as answers grow."""

    def __init__(
        self,
        model: PreTrainedModel,
        cache: Any,
        waiting: Float[Tensor, "note said hidden"],
        visible: Bool[Tensor, "note slot"],
        call: _AfterEncoder | _AfterPrompt,
    ) -> None:
        """waiting: what is said and not yet read. visible: which slots of the cache hold a token of the note."""
        self._model = model
        self._cache = cache
        self._visible = visible
        self._call = call
        self._waiting = waiting
        self._waiting_mask = torch.ones(waiting.shape[:2], dtype=torch.bool, device=waiting.device)

    def __len__(self) -> int:
        return len(self._visible)

    @property
    def device(self) -> torch.device:
        return self._waiting.device

    def say(self, tokens: Int[Tensor, "note said"], mask: Bool[Tensor, "note said"]) -> None:
        """Appends to the answers, one token a note at least, padded on the right. It is read with the next look."""
        self._waiting, self._waiting_mask = _embedded(self._model, tokens), mask

    def keep(self, notes: Int[Tensor, "kept"]) -> None:
        """Goes on with these notes, of which one may stand there several times."""
        self._cache.batch_select_indices(notes)
        self._visible = self._visible[notes]
        self._waiting, self._waiting_mask = self._waiting[notes], self._waiting_mask[notes]
        self._call.keep(notes)

    def logits(self) -> Float[Tensor, "note vocabulary"]:
        """Of the next token of each answer. Something must be waiting."""
        after, _ = self._look(None, torch.zeros(0, dtype=torch.long, device=self.device))
        assert after is not None
        return after

    def look_ahead(
        self, tile: Tile, tokens: Int[Tensor, "node"]
    ) -> tuple[Float[Tensor, "note vocabulary"] | None, Float[Tensor, "note node vocabulary"]]:
        """(logits of the next token, where something was waiting; logits after each node of the tile, were it said).
        tokens: of the tile's nodes."""
        return self._look(tile, tokens)

    def _look(self, tile: Tile | None, tokens: Tensor) -> tuple[Tensor | None, Tensor]:
        said, nodes = self._waiting.shape[1], len(tokens)
        read = self._visible.sum(1, keepdim=True)
        after = read + self._waiting_mask.sum(1, keepdim=True)
        slots = torch.cat([(self._visible.cumsum(1) - 1), read + self._waiting_mask.cumsum(1) - 1], 1)
        sees = torch.cat([self._visible, self._waiting_mask], 1)[:, None].repeat(1, said + nodes, 1)
        past = self._visible.shape[1]
        sees[:, :said, past:] &= torch.ones(said, said, dtype=torch.bool, device=self.device).tril()
        # What fills up a row sees itself, so that no row of the softmax is empty.
        sees[:, :said, past:] |= torch.eye(said, dtype=torch.bool, device=self.device)
        if tile is not None:
            ancestors = torch.from_numpy(tile.ancestors).to(self.device)
            slots = torch.cat([slots, after + ancestors.sum(1) - 1], 1)
            below = torch.zeros(said + nodes, nodes, dtype=torch.bool, device=self.device)
            below[said:] = ancestors
            sees = torch.cat([sees, below.expand(len(self), -1, -1)], 2)
        embeddings = torch.cat([self._waiting, _embedded(self._model, tokens).expand(len(self), -1, -1)], 1)
        logits = self._call(embeddings, sees, slots.clamp(min=0), self._cache)
        self._cache.crop(-nodes)
        if not said:
            return None, logits
        last = self._waiting_mask.sum(1) - 1
        self._visible = torch.cat([self._visible, self._waiting_mask], 1)
        self._waiting, self._waiting_mask = self._waiting[:, :0], self._waiting_mask[:, :0]
        return logits[torch.arange(len(self), device=self.device), last], logits[:, said:]


class _AfterPrompt:
    """Calls a causal model with a mask and positions of our own."""

    def __init__(self, model: PreTrainedModel) -> None:
        _require_own_mask(model)
        self._model = model

    def keep(self, notes: Int[Tensor, "kept"]) -> None:
        return None

    def __call__(
        self,
        embeddings: Float[Tensor, "note new hidden"],
        sees: Bool[Tensor, "note new slot"],
        positions: Int[Tensor, "note slot"],
        cache: Any,
    ) -> Float[Tensor, "note new vocabulary"]:
        require_seen(self._model, sees.shape[2])
        return self._model(
            inputs_embeds=embeddings,
            attention_mask=_additive(sees, embeddings.dtype)[:, None],
            position_ids=positions[:, -embeddings.shape[1] :],
            past_key_values=cache,
            use_cache=True,
        ).logits


class _AfterEncoder:
    """Calls a model of the T5 family with a mask of our own, in which its relative positions are put right."""

    def __init__(self, model: PreTrainedModel, states: Tensor, mask: Tensor) -> None:
        _require_own_mask(model)
        self._attention = _relative_attention(model)
        self._model = model
        self._states = states
        self._mask = mask

    def keep(self, notes: Int[Tensor, "kept"]) -> None:
        self._states, self._mask = self._states[notes], self._mask[notes]

    def __call__(
        self,
        embeddings: Float[Tensor, "note new hidden"],
        sees: Bool[Tensor, "note new slot"],
        positions: Int[Tensor, "note slot"],
        cache: Any,
    ) -> Float[Tensor, "note new vocabulary"]:
        mask = self._moved(sees, positions) + _additive(sees, embeddings.dtype)[:, None]
        return self._model(
            encoder_outputs=(self._states,),
            attention_mask=self._mask.long(),
            decoder_inputs_embeds=embeddings,
            decoder_attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
        ).logits

    def _moved(self, sees: Tensor, positions: Tensor) -> Float[Tensor, "note head new slot"]:
        """The bias of the distance in the tree less that of the distance in the cache, which the model will add."""
        new, slots = sees.shape[1:]
        # Row of a query at `slots - 1`: the bias of the distances slots - 1, …, 0.
        of_distance = self._attention.compute_bias(1, slots, device=sees.device, past_seen_tokens=slots - 1)
        of_distance = of_distance[0, :, 0].flip(-1)
        order = torch.arange(slots, device=sees.device)
        in_cache = (order[slots - new :, None] - order).clamp(min=0)
        in_tree = (positions[:, slots - new :, None] - positions[:, None]).clamp(min=0)
        moved = of_distance[:, in_tree].transpose(0, 1) - of_distance[:, in_cache]
        return moved.masked_fill(~sees[:, None], 0.0)


def _embedded(model: PreTrainedModel, tokens: Tensor) -> Tensor:
    return model.get_input_embeddings()(tokens)


def _additive(sees: Bool[Tensor, "note new slot"], dtype: torch.dtype) -> Float[Tensor, "note new slot"]:
    """As every attention of transformers takes it: 0 where a token is seen, the least number elsewhere."""
    mask = torch.zeros(sees.shape, dtype=dtype, device=sees.device)
    return mask.masked_fill(~sees, torch.finfo(dtype).min)


def _relative_attention(model: PreTrainedModel) -> Any:
    """The layer of a T5's decoder that has the table of its positions."""
    found = [m for m in model.get_decoder().modules() if getattr(m, "has_relative_attention_bias", False)]
    if len(found) != 1:
        raise ConfigError(
            f"Of encoder-decoders, the T5 family can write codes (T5, mT5, Flan-T5, ClinicalT5); the positions of "
            f"{model.config.model_type!r} are others."
        )
    return found[0]


def _require_own_mask(model: PreTrainedModel) -> None:
    attention = getattr(model.config, "_attn_implementation", "eager")
    if attention not in ("eager", "sdpa"):
        raise ConfigError(f"A model that writes codes needs model.attention = 'sdpa', not {attention!r}.")
