"""What is planned: the model of a configuration without its weights, and the sizes of what it will read.

Sizes come from the prepared folder where there is one; else from the configuration, from what is published of the
corpus, or from the caller; and what had to be assumed is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from icdcoder import systems
from icdcoder.core import components
from icdcoder.core.config import Settings
from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.core.label_space import LabelSpace
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.planning.published_shapes import published_shape
from icdcoder.experiment.planning.rehearsal import emptied
from icdcoder.experiment.prepared import Prepared
from icdcoder.nn.contract import ModelContext
from icdcoder.nn.pretrained.architecture import architecture_of

# Numbers of layers of which the cost of each further layer is taken, and what config.json calls that number.
SHALLOW = (2, 3)
LAYERS = ("num_hidden_layers", "num_layers", "n_layer", "num_decoder_layers")
# Of CAML's vocabulary on MIMIC-III (words of three notes or more), rounded.
WORDS = 52_000
# (codes, training notes) of corpora as the literature has them; the counts are those of docs/mimic.md.
PUBLISHED: dict[tuple[str, str], tuple[int, int | None]] = {
    ("mimic3", "full"): (8_921, 47_723),
    ("mimic3", "top50"): (50, 8_066),
    ("mimic3", "rare50"): (50, 249),
    ("mimic3", "clean"): (3_681, None),
    ("mimic4", "icd10"): (7_942, None),
    ("mimic4", "icd9"): (6_150, None),
    ("cmc2007", ""): (45, 978),
}


@dataclass(frozen=True)
class Sizes:
    """codes: in the label space. vocabulary: rows of an embedding of words; of a pretrained model its own. longest,
    mean: tokens of a note, as the model reads it. training_notes: None where that is unknown."""

    codes: int
    vocabulary: int
    longest: int
    mean: float
    training_notes: int | None


@dataclass(frozen=True)
class Subject:
    """models: the model without numbers (`rehearsal.emptied`); or, where its pretrained part has many layers that are
    alike, `depth` of them, the same model with each of the two numbers of layers in SHALLOW. assumed: sentences."""

    models: tuple[nn.Module, ...]
    sizes: Sizes
    assumed: tuple[str, ...]
    depth: int | None = None


def subject(experiment: Experiment, *, codes: int | None = None, tokens: int | None = None) -> Subject:
    """codes, tokens: instead of what would be found or assumed. Nothing but config.json is read of a checkpoint.

    Raises ConfigError where the configuration's model is no single network, where the number of codes cannot be known,
    or where the checkpoint is neither on the disk nor well known.
    """
    experiment.require_model()
    if experiment.staged or experiment.model is None:
        raise ConfigError(
            f"A coder of kind {experiment.model_kind!r} is no single network; icdcoder plan knows those of models."
        )
    assumed: list[str] = []
    prepared = _prepared(experiment, assumed)
    settings, vocabulary = _without_weights(experiment.model, assumed)
    sizes = _sizes(experiment, prepared, codes, tokens, vocabulary, assumed)
    space = prepared.space if prepared is not None and codes is None else _stand_in(sizes.codes)
    if prepared is None:
        assumed.append("The codes themselves are stand-ins; what a model knows of its codes is counted as empty.")
    if getattr(experiment.model, "generation_weight", 0) > 0:
        assumed.append("Prompts and answers are counted as empty: the words that the model writes come on top.")
    module = components.load("models", experiment.model_kind)

    def built(of: Settings) -> nn.Module:
        with torch.device("meta"):
            model = module.build(of, ModelContext(sizes.vocabulary, space))
        return emptied(model)

    depth = _depth(settings)
    every = [settings] if depth is None else [_with_layers(settings, layers) for layers in SHALLOW]
    return Subject(tuple(built(one) for one in every), sizes, tuple(assumed), depth)


def _depth(settings: Settings) -> int | None:
    """How many layers a pretrained part has; None where there are few, or where the settings name one of them."""
    given = dict(settings)
    if given.get("architecture") is None or given.get("layer", -1) not in (-1, "mix"):
        return None
    config = given["architecture"]["config"]
    depth = next((config[name] for name in LAYERS if name in config), None)
    return depth if depth is not None and depth > 2 * SHALLOW[1] else None


def _with_layers(settings: Settings, layers: int) -> Settings:
    given = dict(settings)
    config = given["architecture"]["config"]
    changed: dict[str, Any] = {name: layers for name in LAYERS if name in config}
    if "layer_types" in config:
        changed["layer_types"] = config["layer_types"][:layers]
    given["architecture"] = {**given["architecture"], "config": {**config, **changed}}
    return type(settings).model_validate(given)


def _prepared(experiment: Experiment, assumed: list[str]) -> Prepared | None:
    if not experiment.prepared.exists():
        return None
    try:
        return Prepared.load(experiment.prepared)
    except ArtefactError as error:
        assumed.append(f"What is prepared is not looked at: {error}")
        return None


def _without_weights(model: Settings, assumed: list[str]) -> tuple[Settings, int | None]:
    """The settings with the architecture in the place of the checkpoint, and the size of its vocabulary."""
    given: dict[str, Any] = dict(model)
    if given.get("architecture") is None:
        if given.get("checkpoint") is None:
            return model, None
        given["architecture"] = _architecture(str(given["checkpoint"]), assumed)
    given["checkpoint"] = None
    return type(model).model_validate(given), given["architecture"]["config"].get("vocab_size")


def _architecture(checkpoint: str, assumed: list[str]) -> dict[str, Any]:
    try:
        return architecture_of(checkpoint)
    except ConfigError as error:
        known = published_shape(checkpoint)
        if known is None:
            raise ConfigError(f"{error} Its name is no well-known one either, whose sizes could be taken.") from None
    assumed.append(f"{checkpoint} is not here: the published sizes of {known[0]} are taken.")
    return {"config": known[1], "prefix": [0], "suffix": []}


def _sizes(
    experiment: Experiment,
    prepared: Prepared | None,
    codes: int | None,
    tokens: int | None,
    vocabulary: int | None,
    assumed: list[str],
) -> Sizes:
    if prepared is not None:
        lengths = np.diff(prepared.tokens.starts)
        longest, mean = (tokens, float(tokens)) if tokens else (int(lengths.max()), float(lengths.mean()))
        training: int | None = len(prepared.split("train"))
        return Sizes(
            codes or len(prepared.space), vocabulary or prepared.reader.size, max(1, longest), max(1.0, mean), training
        )
    if vocabulary is None:
        assumed.append(f"The vocabulary has {WORDS:,} words.")
    if tokens is None:
        assumed.append(f"Every note has text.max_tokens = {experiment.text.max_tokens:,} tokens, the most it can have.")
    tokens = tokens or experiment.text.max_tokens
    corpus = experiment.tables("corpus")["corpus"]
    known = PUBLISHED.get((experiment.corpus_kind, corpus.get("variant", "")))
    labels = experiment.labels
    counted = codes or labels.top or (corpus.get("codes") if experiment.corpus_kind == "synthetic" else None)
    if not counted:
        if known is None:
            raise ConfigError(
                f"How many codes {experiment.corpus_kind} has is known once it is prepared (icdcoder prepare CONFIG); "
                "until then say it: --codes N"
            )
        counted = known[0]
        assumed.append(f"The corpus has {counted:,} codes, as published.")
    return Sizes(int(counted), vocabulary or WORDS, tokens, float(tokens), known[1] if known else None)


def _stand_in(codes: int) -> LabelSpace:
    every = sorted(systems.load("icd10cm").billable())
    if codes > len(every):
        raise ConfigError(f"ICD-10-CM has {len(every):,} codes, and {codes:,} are asked for.")
    return LabelSpace(every[:: len(every) // codes][:codes])
