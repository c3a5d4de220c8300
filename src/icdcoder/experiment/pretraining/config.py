"""One pretraining, from one TOML file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pydantic import Field

from icdcoder.core import components
from icdcoder.core.config import Settings, build, override, read_toml, to_toml
from icdcoder.core.errors import ConfigError

if TYPE_CHECKING:
    from icdcoder.train.config import TrainConfig

SOURCES = "experiment.pretraining.texts"
ARCHITECTURES = "nn.language_models"
DEFAULTS = {
    "epochs": 1,
    "batch_size": 8,
    "learning_rate": 1e-3,
    "optimiser": "adamw",
    "weight_decay": 0.01,
    "schedule": "cosine",
    "warmup_steps": 100,
    "gradient_clip": 1.0,
    "monitor": "loss",
    "monitor_mode": "min",
    "patience": 0,
}


class _Tables(Settings):
    """texts: sources; `share` of each: how many of its texts are taken. exclude: sources whose texts must not be in the
    training text; overlap: which share of a text's 8-word runs may be in an excluded one, or the other way round.
    validation: share of the texts on which the model is measured, and no more than validation_blocks blocks of them."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.=,-]*$")
    seed: int = Field(0, ge=0)
    runs: str = "runs"
    texts: tuple[dict[str, Any], ...] = Field(min_length=1)
    exclude: tuple[dict[str, Any], ...] = ()
    overlap: float = Field(0.1, ge=0, lt=1)
    validation: float = Field(0.02, gt=0, lt=1)
    validation_blocks: int = Field(100, ge=1)
    model: dict[str, Any]
    train: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Source:
    """settings: of the component `kind`. share: of its texts that are taken, chosen by their content."""

    kind: str
    settings: Settings
    share: float = 1.0

    def texts(self) -> Iterable[str]:
        return components.load(SOURCES, self.kind).texts(self.settings)


@dataclass(frozen=True, slots=True)
class Pretraining:
    """A resolved configuration. data: the tables by which the training text is made."""

    name: str
    seed: int
    folder: Path
    texts: tuple[Source, ...]
    exclude: tuple[Source, ...]
    overlap: float
    validation: float
    validation_blocks: int
    architecture: str
    model: Any
    train: TrainConfig
    tables: Mapping[str, Any]

    @classmethod
    def load(cls, path: Path, settings: Iterable[str] = ()) -> Pretraining:
        """Raises ConfigError."""
        data = read_toml(path)
        data.setdefault("name", path.stem)
        return cls.resolve(override(data, settings))

    @classmethod
    def resolve(cls, data: Mapping[str, Any]) -> Pretraining:
        from icdcoder.train.config import TrainConfig

        tables = build(_Tables, data, "")
        kind = tables.model.get("kind")
        if not isinstance(kind, str):
            raise ConfigError(f"The table [model] needs a kind. Known: {', '.join(components.names(ARCHITECTURES))}.")
        module = components.load(ARCHITECTURES, kind)
        model = build(module.Config, {k: v for k, v in tables.model.items() if k != "kind"}, "model")
        return cls(
            name=tables.name,
            seed=tables.seed,
            folder=Path(tables.runs) / tables.name,
            texts=tuple(_source(table, "texts") for table in tables.texts),
            exclude=tuple(_source(table, "exclude") for table in tables.exclude),
            overlap=tables.overlap,
            validation=tables.validation,
            validation_blocks=tables.validation_blocks,
            architecture=kind,
            model=model,
            train=build(TrainConfig, {**DEFAULTS, "seed": tables.seed, **tables.train}, "train"),
            tables=tables.model_dump(mode="json"),
        )

    @property
    def module(self) -> ModuleType:
        return components.load(ARCHITECTURES, self.architecture)

    def data_digest(self) -> str:
        """Of the settings that make the training text and its tokens."""
        chosen = {key: self.tables[key] for key in ("seed", "texts", "exclude", "overlap", "validation")}
        sizes = {"context": self.model.context, "vocabulary": self.model.vocabulary, "kind": self.architecture}
        return hashlib.sha256(json.dumps({**chosen, **sizes}, sort_keys=True).encode()).hexdigest()

    def to_toml(self) -> str:
        model = {"kind": self.architecture, **self.model.model_dump(mode="json")}
        return to_toml({**self.tables, "model": model, "train": self.train.model_dump(mode="json")})


def _source(table: Mapping[str, Any], where: str) -> Source:
    kind, share = table.get("kind"), table.get("share", 1.0)
    if not isinstance(kind, str):
        raise ConfigError(f"Each of '{where}' needs a kind. Known: {', '.join(components.names(SOURCES))}.")
    if not isinstance(share, int | float) or not 0 < share <= 1:
        raise ConfigError(f"'{where}.share' is {share!r}: it is above 0 and at most 1.")
    module = components.load(SOURCES, kind)
    own = {key: value for key, value in table.items() if key not in ("kind", "share")}
    return Source(kind, build(module.Config, own, where), float(share))
