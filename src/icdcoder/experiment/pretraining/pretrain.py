"""Pretrain: texts → a language model in a folder of Hugging Face. A run that was stopped goes on where it was."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from icdcoder.core.artefact import save_card
from icdcoder.core.cache import atomic_folder, write_atomic
from icdcoder.core.components import extra_named
from icdcoder.core.config import read_toml
from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.core.progress import SILENT, Progress
from icdcoder.experiment.pretraining import tokenizer as tokenizers
from icdcoder.experiment.pretraining.config import Pretraining
from icdcoder.experiment.pretraining.data import Blocks, Data, require_data
from icdcoder.nn.batching import TokenisedNotes
from icdcoder.nn.language_model import LanguageModel, measures, penalty_alone, unigram
from icdcoder.train.loop import BEST, train

CONFIG = "config.toml"
CARD = "pretraining.json"


@dataclass(frozen=True, slots=True)
class Pretrained:
    """loss: nats a token of validation text; unigram_loss: that of a model that knows only how frequent tokens are."""

    folder: Path
    loss: float
    perplexity: float
    unigram_loss: float
    parameters: int
    tokens: int
    stopped_because: str


def pretrain(asked: Pretraining, *, fresh: bool = False, progress: Progress = SILENT) -> Pretrained:
    """Writes data/ (the texts as tokens), run/ (as `icdcoder train`) and model/ into the folder of the pretraining.

    The folder model/ is what AutoModel, AutoTokenizer, `model.checkpoint` and `text.checkpoint` load. Raises
    ConfigError, InputError, ArtefactError, MissingExtraError, and TrainingInterruptedError where a signal came.
    """
    if fresh:
        shutil.rmtree(asked.folder, ignore_errors=True)
    _claim(asked)
    data = require_data(asked, progress)
    network = build_network(asked, data)
    context = asked.model.context - asked.module.AROUND_BLOCK
    blocks, held_out = _notes(data.train, context), _notes(data.validation, context, asked.validation_blocks)
    floor = unigram(torch.from_numpy(np.bincount(data.train, minlength=data.size)))
    special = set(data.token.values())

    def validate(module: torch.nn.Module, epoch: int) -> dict[str, float]:
        assert isinstance(module, LanguageModel)
        return measures(module, held_out, floor, special, asked.train.batch_size)

    result = train(network, blocks, validate, asked.train, asked.folder / "run", loss=penalty_alone, progress=progress)
    if (asked.folder / "run" / BEST).is_file():
        from safetensors.torch import load_file

        network.load_state_dict(load_file(asked.folder / "run" / BEST))
    found = Pretrained(
        folder=asked.folder / "model",
        parameters=sum(weight.numel() for weight in network.parameters()),
        tokens=len(data.train),
        stopped_because=result.stopped_because,
        **validate(network, 0),
    )
    _save(found, network, asked, data)
    return found


def build_network(asked: Pretraining, data: Data) -> LanguageModel:
    """With weights drawn by the seed. Raises ConfigError for sizes that do not fit together."""
    with extra_named("Pretraining a language model"):
        import transformers
    if asked.model.hidden % (2 * asked.model.heads):
        raise ConfigError(
            f"'model.hidden' is {asked.model.hidden} for {asked.model.heads} heads: each head needs an even width."
        )
    described = asked.module.describe(asked.model, data.size, data.token)
    config = transformers.AutoConfig.for_model(described.pop("model_type"), **described)
    torch.manual_seed(asked.seed)
    model = getattr(transformers, asked.module.AUTO).from_config(config)
    model.config.use_cache = False
    return LanguageModel(model, asked.module.objective(asked.model, data.size, data.token))


def _notes(flat: Any, block: int, most: int | None = None) -> TokenisedNotes:
    found = Blocks(flat, block)
    count = len(found) if most is None else min(most, len(found))
    # Spread over the texts, as sources follow one another.
    rows = [found[i * len(found) // count] for i in range(count)] if count < len(found) else found
    return TokenisedNotes(rows, codes=0, gold=[np.zeros(0, np.int32)] * count)


def _claim(asked: Pretraining) -> None:
    """Writes the resolved configuration, or refuses a folder that other settings made."""
    path = asked.folder / CONFIG
    if path.exists():
        old, new = read_toml(path), asked.to_toml()
        import tomllib

        parsed = tomllib.loads(new)
        changed = [key for key in sorted({*old, *parsed}) if key != "runs" and old.get(key) != parsed.get(key)]
        if changed:
            raise ArtefactError(
                f"{asked.folder} was begun with other settings (in {', '.join(changed)}). Choose another name "
                "(--set name=…) or begin anew with --fresh."
            )
        return
    try:
        asked.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtefactError(f"{asked.folder} cannot be written: {error.strerror}.") from None
    write_atomic(path, asked.to_toml())


def _save(found: Pretrained, network: LanguageModel, asked: Pretraining, data: Data) -> None:
    from transformers.utils import logging

    logging.disable_progress_bar()  # of writing a file in less than a second
    with atomic_folder(found.folder, replace=True) as work:
        network.language_model.config.use_cache = True
        network.language_model.save_pretrained(work)
        tokenizers.save(data.tokenizer, work, asked.module, asked.model.context)
        figures = {key: value for key, value in asdict(found).items() if key != "folder"}
        save_card(work / CARD, {"name": asked.name, **figures, "sources": data.card["sources"]})
