"""A pretrained model that reads a note and writes an answer: encoder-decoder (T5) or decoder-only (LLaMA).

"How to leverage large language models for automatic ICD coding", equation 1: the states H of a note are those of the
encoder, or of the decoder where there is no other part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from icdcoder.core.errors import InputError
from icdcoder.nn.pretrained.loading import Pretrained
from icdcoder.nn.pretrained.token_encoder import keep_apart
from icdcoder.nn.remembered import Remembered
from icdcoder.nn.sequence_parts import Joined, cut_out
from icdcoder.nn.writing.answer_prefix import AnswerPrefix, after_encoder, after_prompt, require_seen
from icdcoder.nn.writing.cached_instruction import CachedInstruction, can_be_cached, read_instruction
from icdcoder.nn.writing.knowledge_injection import KnowledgeInjection
from icdcoder.nn.writing.prompt import Prompt

Answer = tuple[Int[Tensor, "note place"], Bool[Tensor, "note place"]]


@dataclass(frozen=True, slots=True)
class Read:
    """states: at the note's own tokens, zeros at padding; never at the prompt's or the answer's. logits: of each token
    of the answer, given those before it; None where there was no answer."""

    states: Float[Tensor, "note token hidden"]
    logits: Float[Tensor, "note place vocabulary"] | None = None


class NoteWriter(nn.Module):
    """pretrained: loaded with `writes`. injection: KG-injection after the encoder, or at the embeddings of a decoder.
    frozen: no gradients, no dropout in the pretrained model. checkpointing: activations are computed anew.

    In an encoder-decoder the answer is read by the decoder alone; under a causal mask the note's tokens come first. So
    no state of the note knows anything of the answer.
    """

    def __init__(
        self,
        pretrained: Pretrained,
        prompt: Prompt,
        injection: KnowledgeInjection | None = None,
        *,
        frozen: bool = False,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.model: Any = pretrained.model
        self.prompt = prompt
        self.injection = injection
        self.architecture = pretrained.architecture
        self.hidden: int = self.model.config.hidden_size
        self.limit = None if self.model.config.is_encoder_decoder else pretrained.limit
        self.pad: int = self.model.config.pad_token_id or 0
        self.frozen = frozen
        if frozen:
            self.model.requires_grad_(False).eval()
        elif checkpointing:
            self.model.activation_checkpointing_enable()
        unique = dict(self.model.named_parameters())
        every = dict(self.model.named_parameters(remove_duplicate=False))
        self.fixed = frozenset(f"model.{n}" for n, w in unique.items() if pretrained.found and not w.requires_grad)
        # T5 has one table of words under several names, which would be saved as often.
        self.twice = frozenset(f"model.{name}" for name in every.keys() - unique.keys())
        keep_apart(self, "fixed")
        keep_apart(self, "twice")
        self._knowledge: Remembered[Tensor] = Remembered()
        self._instruction: Remembered[CachedInstruction] = Remembered()

    def train(self, mode: bool = True) -> NoteWriter:
        """A frozen model stays in evaluation."""
        super().train(mode)
        self._instruction.forget()  # a training step needs its memory, and will change what it was made of
        if self.frozen:
            self.model.eval()
        return self

    def forward(
        self, tokens: Int[Tensor, "note token"], mask: Bool[Tensor, "note token"], answer: Answer | None = None
    ) -> Read:
        """Raises InputError where prompt, note and answer are longer than the model's context, ConfigError where it
        is to write and sees a window of them only."""
        if self.model.config.is_encoder_decoder:
            sequence, states = self._encoded(tokens, mask)
            logits = None
            if answer is not None:
                logits = self.model(
                    encoder_outputs=(states,),
                    attention_mask=sequence.mask.long(),
                    decoder_input_ids=self._shifted(answer[0]),
                ).logits
            return Read(self._of_note(states, mask, sequence), logits)
        sequence = self.prompt.around(tokens, mask, self.pad, *(() if answer is None else (answer,)))
        self._require_short(sequence.tokens.shape[1])
        if answer is not None:  # told in training, and not when it has been trained
            require_seen(self.model, sequence.tokens.shape[1])
        states = self.model.base_model(
            inputs_embeds=self._embedded(sequence, given=answer is not None), attention_mask=sequence.mask.long()
        ).last_hidden_state
        logits = None
        if answer is not None:
            logits = self._next(cut_out(states, sequence.starts[3] - 1, answer[0].shape[1]))
        return Read(self._of_note(states, mask, sequence), logits)

    def begin(
        self, tokens: Int[Tensor, "note token"], mask: Bool[Tensor, "note token"]
    ) -> tuple[AnswerPrefix, Float[Tensor, "note token hidden"]]:
        """(what answers are to be written after, the states at the note's tokens): the note is read once for both.

        The words before the note are read once for all batches, by a decoder in evaluation and without gradients; see
        `nn.writing.cached_instruction`, which says where that cannot be."""
        if self.model.config.is_encoder_decoder:
            sequence, states = self._encoded(tokens, mask)
            return after_encoder(self.model, states, sequence.mask), self._of_note(states, mask, sequence)
        instruction = self._read_instruction()
        sequence = self.prompt.around(tokens, mask, self.pad, without=len(instruction))
        self._require_short(len(instruction) + sequence.tokens.shape[1])
        embeddings = self._embedded(sequence, given=False)
        prefix, states = after_prompt(self.model, embeddings, sequence.mask, instruction)
        return prefix, self._of_note(states, mask, sequence)

    def _read_instruction(self) -> CachedInstruction:
        """All words before the note but the last, so that something is left to read where a note has no word."""
        # What dropout makes of it differs from call to call.
        if torch.is_grad_enabled() or self.model.training or not can_be_cached(self.model):
            return CachedInstruction()
        nothing = self.prompt.before.new_zeros(1, 0)
        known = self.prompt.around(nothing, nothing.bool(), self.pad)
        length = len(self.prompt.before) - 1
        if length < 1:
            return CachedInstruction()
        return self._instruction(
            lambda: read_instruction(self.model, self._embedded(known, given=False)[:, :length]),
            [*self.parameters(), *self.buffers()],
        )

    def _encoded(self, tokens: Tensor, mask: Tensor) -> tuple[Joined, Tensor]:
        sequence = self.prompt.around(tokens, mask, self.pad)
        states = self._encoder(sequence.tokens, sequence.mask)
        if self.injection is not None:
            states = self.injection(states, self._knowledge(self._encoded_knowledge, self._encoder_weights))
        return sequence, states

    def _embedded(self, sequence: Joined, *, given: bool) -> Tensor:
        """Embeddings of the sequence, with knowledge in the part that asks. given: an answer stands at its end."""
        embed = self.model.get_input_embeddings()
        embeddings = embed(sequence.tokens)
        if self.injection is None:
            return embeddings
        known, real = self.injection.tokens(self.pad)
        injected = self.injection(embeddings, embed(known)[real])
        if not given:
            return injected
        asks = torch.arange(embeddings.shape[1], device=embeddings.device) < sequence.starts[3][:, None]
        return torch.where(asks[..., None], injected, embeddings)

    def _encoded_knowledge(self) -> Float[Tensor, "piece hidden"]:
        """D_m of equation 6. Only W learns from it: gradients through the encoder would need the memory of as many
        notes as there are codes."""
        assert self.injection is not None
        known, real = self.injection.tokens(self.pad)
        with torch.no_grad():
            return self._encoder(known, real)[real] if len(known) else known.new_zeros(0, self.hidden).float()

    @property
    def _encoder_weights(self) -> list[Tensor]:
        return list(self.model.get_encoder().parameters())

    def _encoder(self, tokens: Tensor, mask: Tensor) -> Tensor:
        return self.model.get_encoder()(input_ids=tokens, attention_mask=mask.long()).last_hidden_state

    def _next(self, states: Tensor) -> Tensor:
        """Logits of the next token, at these states only; scaled as Cohere and Granite, capped as Gemma does it."""
        config = self.model.config
        scale = (getattr(config, "logit_scale", None) or 1.0) / (getattr(config, "logits_scaling", None) or 1.0)
        logits = self.model.get_output_embeddings()(states) * scale
        cap = getattr(config, "final_logit_softcapping", None)
        return logits if cap is None else cap * torch.tanh(logits / cap)

    def _of_note(self, states: Tensor, mask: Tensor, sequence: Joined) -> Tensor:
        return cut_out(states, sequence.starts[1], mask.shape[1]).float().masked_fill(~mask[..., None], 0.0)

    def _shifted(self, answer: Tensor) -> Tensor:
        return nn.functional.pad(answer[:, :-1], (1, 0), value=self.model.config.decoder_start_token_id)

    def _require_short(self, width: int) -> None:
        if self.limit is not None and width > self.limit:
            raise InputError(
                f"A note with its prompt and answer has {width} tokens; the pretrained model reads {self.limit}: make "
                f"text.max_tokens smaller by {width - self.limit} at least."
            )
