"""A language model that is fine-tuned to write a note's codes, and to find them by label attention at the same time.

"How to leverage large language models for automatic ICD coding", for encoder-decoder models (T5, ClinicalT5, Flan-T5)
and decoder-only ones (LLaMA and what has its interface). For the states H of the note's tokens (equation 1):

    Z = tanh(H W)        V = softmax(U Zᵀ) H        Y_att = fcn(V)                              equations 2 to 4
    L = L_gen + L_att

where L_gen is the cross entropy of the answer's tokens and L_att that of the codes. Knowledge can be injected into
the states of an encoder, or into a decoder's embeddings (equations 6 to 9, `nn.writing.knowledge_injection`).

What the paper leaves open, and what stands here:
- fcn is LAAT's, which it cites: a weight and a bias for each code. d_a is 256.
- A code attends to the note's own tokens, never to the prompt's or the answer's.
- The wording around the note and the order of the codes in an answer: text/prompting/prompts, falling frequency.
- M, the knowledge, is a text about each code, of so many tokens; N_m counts the tokens of all of them.
- LoRA with r = 8 and α = 16 beside queries and values. Of LLaMA-7B that trains 0.06 % of the weights, where the paper
  says 0.03 %; the shares of its figure 2 (0.16 %, 0.32 %, 1.26 % of T5-large) are those of r = 4, 8 and 32 beside them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn

from icdcoder import systems
from icdcoder.core.config import Settings
from icdcoder.core.label_space import LabelSpace
from icdcoder.knowledge import code_knowledge, descriptions
from icdcoder.nn.contract import Batch, ModelContext, Scores
from icdcoder.nn.label_attention import LabelAttention
from icdcoder.nn.losses import binary_cross_entropy
from icdcoder.nn.pretrained.loading import Attention, Pretrained, Weights, add_lora, load_pretrained, require_learnable
from icdcoder.nn.writing.answer_prefix import AnswerPrefix, require_decodable
from icdcoder.nn.writing.answer_tokens import AnswerTokens, answer_loss
from icdcoder.nn.writing.constrained_decoding import decode
from icdcoder.nn.writing.knowledge_injection import KnowledgeInjection
from icdcoder.nn.writing.note_writer import NoteWriter
from icdcoder.nn.writing.prompt import Prompt
from icdcoder.text.prompting.formats import AnswerFormat
from icdcoder.text.prompting.templates import Templates

# Scores of a constrained answer are kept this far from 0 and 1, where there is no log-odds.
EDGE = 1e-6


class Config(Settings):
    """checkpoint: folder of the pretrained model. architecture: what a packed coder holds in its place.

    answer_format: of table 1 (`text.prompting.formats`). prompts: a folder with prompts of one's own.
    generation_weight, attention_weight: of L_gen and L_att; with 0 there is no such answer.
    attended: d_a. knowledge: what is injected; knowledge_tokens: of each code at most; knowledge_file: texts about
    codes beside our own. tuning: "full" trains all weights, "lora" adapters of rank lora_rank, "frozen" none of the
    pretrained model. lora_targets: how the names of the layers beside which they stand end; empty: queries and values;
    "all-linear": every layer. weights: the type of the pretrained weights. attention: the kernel.
    most_answer_tokens: a free answer is cut after so many.
    """

    checkpoint: Path | None = None
    architecture: dict[str, Any] | None = None
    answer_format: Literal[1, 2, 3, 4] = 1
    prompts: Path | None = None
    generation_weight: float = Field(1.0, ge=0)
    attention_weight: float = Field(1.0, ge=0)
    attended: int = Field(256, gt=0)
    knowledge: Literal["none", "medical_expressions", "code_descriptions"] = "none"
    knowledge_tokens: int = Field(512, gt=0)
    knowledge_file: Path | None = None
    tuning: Literal["full", "lora", "frozen"] = "full"
    lora_rank: int = Field(8, gt=0)
    lora_alpha: float = Field(16.0, gt=0)
    lora_dropout: float = Field(0.05, ge=0, lt=1)
    lora_targets: tuple[str, ...] = ()
    weights: Weights = "float32"
    attention: Attention = "sdpa"
    gradient_checkpointing: bool = False
    most_answer_tokens: int = Field(196, gt=0)

    @model_validator(mode="after")
    def _answers(self) -> Config:
        if not self.generation_weight and not self.attention_weight:
            raise ValueError("one of generation_weight and attention_weight must be more than 0.")
        if self.knowledge_file and self.knowledge == "none":
            raise ValueError(
                "knowledge_file is of no use without knowledge: 'medical_expressions' or 'code_descriptions'."
            )
        require_learnable(self.weights, self.tuning == "full")
        return self


def build(config: Config, context: ModelContext) -> GenerativeCoder:
    """Raises ConfigError where the checkpoint is missing or does not fit, or codes are written alike in answers;
    MissingExtraError without [llm]."""
    pretrained = load_pretrained(
        config.checkpoint,
        config.architecture,
        context.vocabulary_size,
        attention=config.attention,
        weights=config.weights,
        writes=True,
        encode=context.encode,
    )
    if config.generation_weight:
        require_decodable(pretrained.model)
    if config.tuning == "lora":
        add_lora(
            pretrained.model,
            rank=config.lora_rank,
            alpha=config.lora_alpha,
            dropout=config.lora_dropout,
            targets=config.lora_targets,
        )
    form = answer_format(config, context.space, config.prompts if context.encode is not None else None)
    writer = NoteWriter(
        pretrained,
        Prompt(_around(form, context.space), context.encode, _special(pretrained)),
        _injection(config, context, pretrained),
        frozen=config.tuning == "frozen",
        checkpointing=config.gradient_checkpointing,
    )
    return GenerativeCoder(
        writer,
        AnswerTokens(form.items, context.encode, _end(pretrained), context.code_notes),
        len(context.space),
        config.attended,
        generation_weight=config.generation_weight,
        attention_weight=config.attention_weight,
    )


def answer_format(config: Config, space: LabelSpace, prompts: Path | None = None) -> AnswerFormat:
    """How the codes of a space are asked for and written. A model whose weights come from a file needs no prompts."""
    titles = dict(zip(space, descriptions.of(space), strict=True)) if config.answer_format in (2, 4) else {}
    return AnswerFormat(config.answer_format, space, titles, Templates(prompts))


class GenerativeCoder(nn.Module):
    """attended: d_a. A weight of 0 leaves that answer out; without label attention, the logits of a model in evaluation
    are those of a constrained answer, and in training they are 0, as the loss is that of the answer alone."""

    def __init__(
        self,
        writer: NoteWriter,
        answers: AnswerTokens,
        codes: int,
        attended: int,
        *,
        generation_weight: float,
        attention_weight: float,
    ) -> None:
        super().__init__()
        self.writer = writer
        self.answers = answers
        self.codes = codes
        self.generation_weight = generation_weight
        self.attention_weight = attention_weight
        if attention_weight:
            self.projection = nn.Linear(writer.hidden, attended, bias=False)
            self.head = LabelAttention(codes, attended, writer.hidden)

    @property
    def attends(self) -> bool:
        return self.attention_weight > 0

    @property
    def writes(self) -> bool:
        return self.generation_weight > 0

    def forward(self, batch: Batch, *, attention_codes: Int[Tensor, "asked"] | None = None) -> Scores:
        if not self.training or batch.targets is None:
            return self._attended(batch, attention_codes) if self.attends else self._said(batch)
        if not self.writes:
            return self._weighed(self._attended(batch, attention_codes), batch, None)
        answer = self.answers(batch.targets)
        read = self.writer(batch.tokens, batch.mask, answer)
        assert read.logits is not None
        written = answer_loss(read.logits, *answer)
        if self.attends:
            return self._weighed(self._scores(read.states, batch, attention_codes), batch, written)
        return self._weighed(Scores(torch.zeros_like(batch.targets)), batch, written)

    def answer_loss(self, batch: Batch) -> Float[Tensor, ""]:
        """L_gen of a batch with gold codes, unweighted."""
        assert batch.targets is not None
        answer = self.answers(batch.targets)
        logits = self.writer(batch.tokens, batch.mask, answer).logits
        assert logits is not None
        return answer_loss(logits, *answer)

    def begin(self, batch: Batch) -> tuple[AnswerPrefix, Float[Tensor, "note code"] | None]:
        """(what answers are to be written after, the logits of the label attention, where there is one): each note is
        read once for both."""
        prefix, states = self.writer.begin(batch.tokens, batch.mask)
        return prefix, self._scores(states, batch, None).logits if self.attends else None

    def _attended(self, batch: Batch, asked: Int[Tensor, "asked"] | None) -> Scores:
        return self._scores(self.writer(batch.tokens, batch.mask).states, batch, asked)

    def _scores(
        self, states: Float[Tensor, "note token hidden"], batch: Batch, asked: Int[Tensor, "asked"] | None
    ) -> Scores:
        """Equations 2 to 4."""
        return self.head(
            torch.tanh(self.projection(states.to(self.projection.weight.dtype))), states, batch.mask, asked
        )

    def _said(self, batch: Batch) -> Scores:
        prefix = self.begin(batch)[0]
        if not self.answers.known:  # in a plan, where no tokenizer is
            return Scores(torch.zeros(len(batch.tokens), self.codes, device=batch.tokens.device))
        said = decode(prefix, self.answers.trie)
        return Scores(torch.logit(said.scores, EDGE))

    def _weighed(self, scores: Scores, batch: Batch, written: Float[Tensor, ""] | None) -> Scores:
        """The training loop adds L_att of the logits itself; the penalty is what is missing of the weighted sum."""
        penalty = torch.zeros((), device=scores.logits.device)
        if written is not None:
            penalty = penalty + self.generation_weight * written
        if self.attention_weight != 1:
            penalty = penalty + (self.attention_weight - 1) * binary_cross_entropy(scores, batch)
        return Scores(scores.logits, scores.attention, penalty)


def _around(form: AnswerFormat, space: LabelSpace) -> tuple[str, str]:
    return form.around(" and ".join(systems.load(name).title for name in space.systems))


def _special(pretrained: Pretrained) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What the tokenizer sets around a text; nothing may end it where an answer is to follow at once."""
    return pretrained.prefix, pretrained.suffix if pretrained.model.config.is_encoder_decoder else ()


def _end(pretrained: Pretrained) -> int:
    """The token that ends an answer; newer families have several, and the first serves."""
    config = pretrained.model.config
    end = config.eos_token_id
    if isinstance(end, (list, tuple)):
        end = end[0]
    return (pretrained.suffix or (config.pad_token_id or 0,))[-1] if end is None else int(end)


def _injection(config: Config, context: ModelContext, pretrained: Pretrained) -> KnowledgeInjection | None:
    if config.knowledge == "none":
        return None
    texts = [""] * len(context.space)
    if context.encode is not None:
        texts = code_knowledge.of(context.space, config.knowledge, config.knowledge_file)
    hidden = pretrained.model.config.hidden_size
    return KnowledgeInjection(texts, config.knowledge_tokens, hidden, context.encode, _special(pretrained))
