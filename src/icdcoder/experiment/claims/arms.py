"""The settings of one arm of a claim on one corpus, from the claim's data and what the user gave."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from icdcoder.core import components
from icdcoder.core.config import override
from icdcoder.core.errors import ConfigError, did_you_mean
from icdcoder.experiment import published
from icdcoder.experiment.claims.described import Arm, Claim, Claims
from icdcoder.text.checkpoints import CONFIG, checkpoint_folder

TABLES = ("corpus", "labels", "text", "words", "model", "train", "decide")
# Room for the special tokens that models set around a text.
SPECIAL = 2
# The share of its trained length that a model reads of a note, where questions follow.
FOR_THE_NOTE = 0.75


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """trained_length: tokens that it was trained to read at once; None: it counts distances and has no such number."""

    checkpoint: str
    width: int
    trained_length: int | None

    @classmethod
    def of(cls, checkpoint: str) -> LanguageModel:
        """Raises ConfigError where there is no such checkpoint."""
        config = json.loads((checkpoint_folder(checkpoint) / CONFIG).read_text(encoding="utf-8"))
        return cls(
            checkpoint, config.get("hidden_size") or config.get("d_model", 0), config.get("max_position_embeddings")
        )


def settings_of(
    claims: Claims, claim: Claim, arm: Arm, corpus: str, model: LanguageModel | None, settings: Sequence[str]
) -> dict[str, Any] | str:
    """What `Experiment.resolve` takes, but for its name; or, as words, why this arm cannot be run.

    settings: the user's, above all others.
    """
    if arm.checkpoint and model is None:
        return "needs a language model: --set checkpoint=FOLDER"
    about = claims.corpora[corpus]
    protocol = published.stand_in(about.like or corpus)
    base: dict[str, Any] = {name: dict(getattr(protocol, name, {})) for name in TABLES}
    changed = {name: getattr(about, name) for name in ("corpus", "labels", "text", "train")}
    own = {"model": arm.model, "words": arm.words, "train": arm.train, "decide": arm.decide}
    for changes in (changed, claim.on.get(corpus, {}), own):
        for table, values in changes.items():
            base[table].update(values)
    if arm.checkpoint:
        assert model is not None
        reason = _with_model(base, arm, model)
        if reason:
            return reason
    base["text"].update(arm.text)
    base = override(base, settings)
    root = components.load("corpora", base["corpus"]["kind"]).Config.model_fields.get("root")
    if root is not None and root.is_required() and "root" not in base["corpus"]:
        return "needs the folder of the corpus: --set corpus.root=FOLDER"
    return base


def _with_model(base: dict[str, Any], arm: Arm, model: LanguageModel) -> str:
    """Puts the language model into the settings; returns why that cannot be, or ""."""
    text, own = base["text"], base["model"]
    if own["kind"] == "concept":  # whose language model reads with its own tokenizer
        room = {} if model.trained_length is None else {"max_tokens": int(model.trained_length * FOR_THE_NOTE)}
        asking = {"checkpoint": model.checkpoint, **room}
        scorer = own.get("scorer", {})
        if scorer.get("kind") == "language_model":
            own["scorer"] = {**scorer, "asking": asking}
        if scorer.get("kind") == "cross_encoder":
            own["scorer"] = {**scorer, "checkpoint": model.checkpoint}
        if own.get("head") == "language_model":
            own["asking"] = asking
        return ""
    text.pop("min_documents", None)  # of words, which are not counted here
    text.update(tokens="subwords", checkpoint=model.checkpoint)
    own["checkpoint"] = model.checkpoint
    if arm.whole_width:
        own["reduction"] = f"residual-{model.width}"
    if arm.tokens is None and arm.context is None and arm.chunk is None:
        # A word is some subwords: the same text, whichever they are, in chunks where it is longer than the context.
        text["max_tokens"] = 2 * text.get("max_tokens", 1000)
        if model.trained_length is not None and text["max_tokens"] > model.trained_length - SPECIAL:
            own["chunk"] = model.trained_length
            if own["kind"] == "llm_classifier":  # whose default, the last token, has read its own chunk only
                own.setdefault("pooling", "mean")
        return ""
    if model.trained_length is None:
        return "the language model has no trained length that could be passed"
    for key, table, times, less in (
        ("max_tokens", text, arm.tokens, SPECIAL),
        ("context", own, arm.context, 0),
        ("chunk", own, arm.chunk, 0),
    ):
        if times is not None:
            table[key] = round(times * model.trained_length) - less
    return ""


def name_of(checkpoint: str) -> str:
    """Of the language model: of its folder, or of the folder around "model", into which `icdcoder pretrain` writes."""
    path = Path(checkpoint)
    return path.parent.name if path.name == "model" else path.name


def given_checkpoint(settings: Iterable[str]) -> tuple[str | None, list[str]]:
    """(the value of "checkpoint=…", the other settings)."""
    found, others = None, []
    for setting in settings:
        key, _, value = setting.partition("=")
        if key.strip() == "checkpoint":
            found = value.strip()
        else:
            others.append(setting)
    return found, others


def chosen(claims: Claims, corpus: str, wanted: Sequence[str]) -> list[Claim]:
    """The claims wanted, or all that are tried on the corpus. Raises ConfigError for one that is not."""
    known = {claim.name: claim for claim in claims.claims}
    for name in wanted:
        if name not in known:
            raise ConfigError(
                f"There is no claim {name!r} here.{did_you_mean(name, list(known))} Known: {', '.join(known)}."
            )
    if corpus not in claims.corpora:
        near = did_you_mean(corpus, list(claims.corpora))
        raise ConfigError(
            f"The claims are tried with --corpus {', '.join(claims.corpora)}; {corpus!r} is none of these.{near}"
        )
    for name in wanted:
        if not _tried(known[name].on, corpus):
            raise ConfigError(f"The claim {name!r} is tried with --corpus {' or '.join(known[name].on)} only.")
    return [claim for claim in known.values() if (not wanted or claim.name in wanted) and _tried(claim.on, corpus)]


def _tried(on: Mapping[str, object], corpus: str) -> bool:
    return not on or corpus in on
