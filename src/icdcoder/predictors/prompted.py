"""A language model behind an OpenAI-compatible endpoint as a coder, for those who cannot train one.

The model names codes and quotes the note; a quote that does not stand in the note is no evidence. Settings are a TOML
file, given to `icdcoder code --coder FILE.toml` (docs/prompted.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Literal, Self

from pydantic import Field, model_validator

from icdcoder.core import components
from icdcoder.core.code import Code
from icdcoder.core.config import Settings
from icdcoder.core.errors import ConfigError
from icdcoder.core.note import Note
from icdcoder.core.prediction import NOT_CODED, CodePrediction, CoderName, Evidence, Prediction, Span
from icdcoder.core.version import VERSION
from icdcoder.endpoint.chat import Endpoint, EndpointConfig, EndpointError
from icdcoder.endpoint.transcript import Recorder, Replay
from icdcoder.predictors.prompting.codebook import PARTS, Codebook
from icdcoder.predictors.prompting.contract import Outcome, Tools
from icdcoder.predictors.prompting.quotes import Searchable
from icdcoder.systems import code_lists
from icdcoder.text.knowledge_sample import KnowledgeSampler
from icdcoder.text.prompting.templates import Templates
from icdcoder.text.sample import head
from icdcoder.text.tokens import words

STRATEGIES = "predictors.prompting.strategies"
# No probabilities: they only put what is supported before what is not.
SUPPORTED, UNSUPPORTED = 1.0, 0.5
# Stands where a part of the note is not sent; a quote that reaches over it is looked for in two parts.
GAP = "\n…\n"
# After so many failures in a row the rest of a batch is not asked.
FAILURES = 2
FAULTS = ("notes_unanswered", "answers_prose", "answers_cut", "answers_outside_system", "answers_unsupported")


class Config(Settings):
    """system: "icd10cm", or "icd9cm" with procedures. strategy: a file of predictors/prompting/strategies.

    codes: a file of typed codes, the only ones that may be answered. prompts: a folder of changed prompts. examples:
    of few_shot. breadth, most_questions: of tree. candidates: of rerank. max_words: how much of a note is sent.
    sampler: which part of a longer one: its head, or where the wording of codes stands, by sections and paragraphs
    ("knowledge") or by sections alone. sampler_knowledge: a file of expressions beside our own.
    accept_unsupported: also accept codes whose quote does not stand in the note. record, replay: a file for prompts
    and answers, which hold patient text; nothing is recorded unless it is named.
    """

    endpoint: EndpointConfig
    system: Literal["icd10cm", "icd9cm"] = "icd10cm"
    strategy: str = "zero_shot"
    codes: Path | None = None
    prompts: Path | None = None
    examples: Path | None = None
    breadth: int = Field(default=6, ge=1)
    most_questions: int = Field(default=40, ge=1)
    candidates: int = Field(default=60, ge=1)
    max_words: int = Field(default=6000, ge=1)
    sampler: Literal["head", "knowledge", "knowledge_sections"] = "head"
    sampler_knowledge: Path | None = None
    accept_unsupported: bool = False
    record: Path | None = None
    replay: Path | None = None

    @model_validator(mode="after")
    def _sampled_by_knowledge(self) -> Self:
        if self.sampler_knowledge and self.sampler == "head":
            raise ValueError("sampler_knowledge is of no use to sampler = 'head'; 'knowledge' looks by it.")
        return self


@dataclass(frozen=True)
class PromptedPredictor:
    """counts: what has happened over all notes so far: "notes", "notes_answered", and FAULTS."""

    name: CoderName
    strategy: ModuleType
    tools: Tools
    max_words: int
    accept_unsupported: bool
    sampler: KnowledgeSampler | None = None
    counts: Counter[str] = field(default_factory=Counter)

    def predict(self, notes: Sequence[Note], *, top: int | None = None) -> Iterator[Prediction]:
        """Predictions with evidence, in order. `top` bounds what is not accepted.

        Raises EndpointError where not even the first note is answered; later failures are warnings of their notes,
        so that what has been coded is not lost. A note that the endpoint does not take stops no other.
        """
        failures = 0
        for note in notes:
            self.counts["notes"] += 1
            if not note.text.strip():
                yield self._nothing(note, "The note is empty.")
                continue
            if failures >= FAILURES:
                self.counts["notes_unanswered"] += 1
                yield self._nothing(note, f"{NOT_CODED}the endpoint failed for the notes before this one.")
                continue
            sent, left_unread = self._sent(note.text)
            try:
                outcome = self.strategy.code(sent, self.tools)
            except EndpointError as error:
                if not self.counts["notes_answered"]:
                    raise
                failures = 0 if error.of_prompt else failures + 1
                self.counts["notes_unanswered"] += 1
                yield self._nothing(note, f"{NOT_CODED}{error}")
                continue
            failures = 0
            self.counts["notes_answered"] += 1
            yield self._prediction(note, outcome, left_unread, top)

    @property
    def faults(self) -> dict[str, int]:
        return {name: self.counts[name] for name in FAULTS}

    def _sent(self, text: str) -> tuple[str, tuple[Span, ...]]:
        """(what the model sees, with GAP where something is left out; what it does not see)."""
        tokens = words(text)
        sampled = self.sampler(tokens, self.max_words, text) if self.sampler else head(tokens, self.max_words)
        pieces, at = [], 0
        for span in sampled.left_unread:
            pieces.append(text[at : span.start])
            at = span.end
        return GAP.join([*pieces, text[at:]]), sampled.left_unread

    def _prediction(self, note: Note, outcome: Outcome, left: tuple[Span, ...], top: int | None) -> Prediction:
        text = Searchable.of(note.text)
        found: dict[Code, dict[tuple[int, int], None]] = {}
        outside = 0
        for claim in outcome.claims:
            code = self.tools.codebook.code(claim.code)
            if code is None:
                outside += 1
                continue
            spans = found.setdefault(code, {})
            for quote in claim.quotes:
                spans.update(dict.fromkeys(text.find(quote)))
        codes = [self._code(note, code, tuple(spans)) for code, spans in found.items()]
        codes.sort(key=lambda code: -code.score)
        accepted = sum(code.accepted for code in codes)
        shown = [code for i, code in enumerate(codes) if code.accepted or top is None or i < max(top, accepted)]
        warnings = [*outcome.warnings, *self._warnings(outcome, codes, outside)]
        book = self.tools.codebook
        return Prediction(note.id, self.name, book.name, book.edition, tuple(shown), left, tuple(warnings))

    def _code(self, note: Note, code: Code, spans: tuple[tuple[int, int], ...]) -> CodePrediction:
        evidence = tuple(Evidence(start, end, note.text[start:end], "quoted") for start, end in sorted(spans))
        score = SUPPORTED if evidence else UNSUPPORTED
        accepted = bool(evidence) or self.accept_unsupported
        return CodePrediction(code, self.tools.codebook.description(code), score, accepted, evidence)

    def _warnings(self, outcome: Outcome, codes: Sequence[CodePrediction], outside: int) -> Iterator[str]:
        unsupported = [code.code.value for code in codes if not code.evidence]
        happened = {
            "prose": outcome.prose,
            "cut": outcome.cut,
            "outside_system": outside,
            "unsupported": len(unsupported),
        }
        self.counts.update({f"answers_{name}": count for name, count in happened.items()})
        if outcome.prose:
            yield f"Answers in prose, where no code could be read: {outcome.prose}."
        if outcome.cut:
            yield f"Answers cut by max_tokens of [endpoint], so that codes may be missing: {outcome.cut}."
        if outside:
            yield f"Dropped, since they are no codes of {self.tools.codebook.title} that may be given: {outside}."
        if unsupported:
            yield f"Unsupported, since no quoted words stand in the note: {', '.join(unsupported)}."

    def _nothing(self, note: Note, warning: str) -> Prediction:
        book = self.tools.codebook
        return Prediction(note.id, self.name, book.name, book.edition, (), warnings=(warning,))


def build(config: Config) -> PromptedPredictor:
    """Raises ConfigError for an unknown strategy or a refused address, InputError for files that cannot be used."""
    strategy = components.load(STRATEGIES, config.strategy)
    if config.record and config.replay:
        raise ConfigError("'record' and 'replay' cannot be set together: what is replayed is recorded already.")
    if config.replay:
        chat = Replay(config.endpoint.model, config.replay)
    else:
        chat = Endpoint(config.endpoint)
        chat = Recorder(chat, config.record) if config.record else chat
    only = None
    if config.codes is not None:
        only = code_lists.read(config.codes)
        _require_system(only, config)
    tools = Tools(
        chat=chat,
        codebook=Codebook(config.system, only),
        templates=Templates(config.prompts),
        breadth=config.breadth,
        most_questions=config.most_questions,
        candidates=config.candidates,
        examples=config.examples,
    )
    name = CoderName(f"prompted-{config.strategy} {chat.model}", VERSION)
    sampler = None
    if config.sampler != "head":
        terms = _terms(config.system, only, config.sampler_knowledge)
        sampler = KnowledgeSampler(terms, paragraphs=config.sampler == "knowledge")
    return PromptedPredictor(name, strategy, tools, config.max_words, config.accept_unsupported, sampler)


def _require_system(only: Sequence[Code], config: Config) -> None:
    """Raises ConfigError for a code that no answer could give, since answers are read as codes of `system`."""
    other = next((code for code in only if code.system not in PARTS[config.system]), None)
    if other is not None:
        way_out = next((f": set system = {name!r}" for name, parts in PARTS.items() if other.system in parts), "")
        raise ConfigError(f"{config.codes} holds {other}, and the system of this coder is {config.system}{way_out}.")


def _terms(system: str, only: Sequence[Code] | None, file: Path | None) -> Iterator[str]:
    """The wording of the codes that may be answered. file: of the user's, with more of it."""
    from icdcoder.knowledge import expressions

    more = () if file is None else (file,)
    for part in PARTS[system]:
        for code, listed in expressions.load(part, more=more).items():
            if only is None or code in only:
                yield from (expression.text for expression in listed)
