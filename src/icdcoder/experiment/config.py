"""One experiment, from one TOML file that lists only departures from the components' defaults."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from icdcoder.core import components
from icdcoder.core.config import Settings, build, override, read_toml, to_toml
from icdcoder.core.errors import ConfigError, MissingExtraError
from icdcoder.knowledge import word_vectors
from icdcoder.text import reader
from icdcoder.text.reader import TextConfig
from icdcoder.text.samplers import ORACLE

if TYPE_CHECKING:
    from icdcoder.train.config import TrainConfig

# Members of `predictors` that [model] can name: coders that are trained in stages, and are no single network.
STAGED = ("concept",)


class LabelsConfig(Settings):
    """Which codes are predicted; fitted on the training part.

    max_notes: leave out codes of more training notes, for the study of rare codes: min_notes = 1 and max_notes = 8 is
    the few-shot construction of MIMIC-III-rare50, on any corpus. also: codes that are predicted though no training note
    may have them: "siblings", the billable codes of the same categories, or a file with a code a line.
    """

    systems: tuple[str, ...] = ()  # empty: every system of the corpus
    top: int | None = Field(default=None, ge=1)
    min_notes: int = Field(default=1, ge=1)
    max_notes: int | None = Field(default=None, ge=1)
    also: Literal["siblings"] | Path | None = None
    # Documents none of whose codes is in the space are left out, as the literature on the top 50 does.
    drop_unlabelled: bool = True


class DecideConfig(Settings):
    """metric: what the threshold maximises on the validation part. threshold: one that is given and not chosen, such as
    the .5 of many papers.

    answer: of a model that writes codes and attends to them, which answer counts: the one that is better by `metric`
    ("chosen": the binary λ of the paper's equation 5), one of them, or both, weighed by a logistic regression
    ("blend"). decoding: what a model may write: anything, of which codes are then read, or nothing but codes.
    """

    metric: Literal["micro_f1", "macro_f1"] = "micro_f1"
    threshold: float | None = Field(default=None, ge=0, lt=1)
    answer: Literal["chosen", "generation", "attention", "blend"] = "chosen"
    decoding: Literal["constrained", "free"] = "constrained"


class ExplainConfig(Settings):
    """kind: an explainer; "" takes attention where the model gives it, occlusion where it does not."""

    kind: str = ""
    spans: int = Field(default=3, ge=0)


class _Tables(Settings):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.=,-]*$")
    seed: int = 0
    runs: str = "runs"
    corpus: dict[str, Any]
    labels: LabelsConfig = LabelsConfig()
    text: dict[str, Any] = {}
    words: word_vectors.Config = word_vectors.Config()
    model: dict[str, Any] = {}
    train: dict[str, Any] = {}
    decide: DecideConfig = DecideConfig()
    explain: ExplainConfig = ExplainConfig()


@dataclass(frozen=True)
class Experiment:
    """A resolved configuration.

    text, reader: the table [text], what all readers share and what is the reader's own. words: how word vectors are
    made. model: None where there is no table [model], which a ranker does not need. model, train: None where the extra
    [train] is not installed.
    """

    name: str
    seed: int
    folder: Path
    corpus_kind: str
    corpus: Settings
    labels: LabelsConfig
    text: TextConfig
    reader: Settings
    words: word_vectors.Config
    model_kind: str
    model: Settings | None
    train: TrainConfig | None
    decide: DecideConfig
    explain: ExplainConfig

    @classmethod
    def load(cls, path: Path, settings: Iterable[str] = ()) -> Experiment:
        """Reads a TOML file and applies `--set` overrides. Raises ConfigError."""
        data = read_toml(path)
        data.setdefault("name", path.stem)
        return cls.resolve(override(data, settings))

    @classmethod
    def resolve(cls, data: Mapping[str, Any]) -> Experiment:
        tables = build(_Tables, data, "")
        corpus_kind, corpus = _component("corpora", "corpus", tables.corpus)
        text, own_text = reader.resolve(tables.text)
        if text.sampler == ORACLE and tables.model.get("kind") in STAGED:
            raise ConfigError("text.sampler = 'oracle' is for single networks: scorers of concepts read notes anew.")
        try:
            home = "predictors" if tables.model.get("kind") in STAGED else "models"
            model_kind, model = _component(home, "model", tables.model) if tables.model else ("", None)
            from icdcoder.train.config import TrainConfig

            train = build(TrainConfig, {"seed": tables.seed, **tables.train}, "train")
        except (MissingExtraError, ModuleNotFoundError):
            model_kind, model, train = str(tables.model.get("kind")), None, None
        return cls(
            name=tables.name,
            seed=tables.seed,
            folder=Path(tables.runs) / tables.name,
            corpus_kind=corpus_kind,
            corpus=corpus,
            labels=tables.labels,
            text=text,
            reader=own_text,
            words=tables.words,
            model_kind=model_kind,
            model=model,
            train=train,
            decide=tables.decide,
            explain=tables.explain,
        )

    def tables(self, *names: str) -> dict[str, Any]:
        """The resolved settings as plain data; all of them, or the tables named."""
        every: dict[str, Any] = {
            "name": self.name,
            "seed": self.seed,
            "corpus": {"kind": self.corpus_kind, **_plain(self.corpus)},
            "labels": _plain(self.labels),
            "text": {**_plain(self.text), **_plain(self.reader)},
            "words": {} if self.words.kind == "random" else _plain(self.words),
            "model": {"kind": self.model_kind, **(_plain(self.model) if self.model else {})},
            "train": _plain(self.train) if self.train else {},
            "decide": _plain(self.decide),
            "explain": _plain(self.explain),
        }
        return {name: every[name] for name in (names or every)}

    def digest(self, *names: str) -> str:
        """A hash of the tables named, which tells whether an artefact was made with these settings."""
        return hashlib.sha256(json.dumps(self.tables(*names), sort_keys=True).encode()).hexdigest()

    def to_toml(self) -> str:
        return to_toml(
            {**self.tables(), "runs": str(self.folder.parent)} if self.folder.is_absolute() else self.tables()
        )

    def require_model(self) -> None:
        """Raises ConfigError where the configuration names none."""
        if not self.model_kind:
            known = ", ".join([*components.names("models"), *STAGED])
            raise ConfigError(f"The configuration names no model: write [model] and a kind below it. Known: {known}.")

    @property
    def staged(self) -> bool:
        """Whether the coder is trained in stages; see STAGED."""
        return self.model_kind in STAGED

    @property
    def oracle(self) -> bool:
        """Whether notes are read by their gold codes, so that there is a report and no coder."""
        return self.text.sampler == ORACLE

    @property
    def prepared(self) -> Path:
        return self.folder / "prepared"

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def coder(self) -> Path:
        return self.folder / "coder"

    @property
    def report(self) -> Path:
        return self.folder / "report"


def _component(folder: str, table: str, data: Mapping[str, Any]) -> tuple[str, Settings]:
    kind = data.get("kind")
    if not isinstance(kind, str):
        raise ConfigError(f"The table [{table}] needs a kind. Known: {', '.join(components.names(folder))}.")
    module = components.load(folder, kind)
    return kind, build(module.Config, {k: v for k, v in data.items() if k != "kind"}, table)


def _plain(settings: Settings) -> dict[str, Any]:
    """JSON-ready values; an absolute path becomes relative to where the command runs, as no artefact holds one."""
    data = settings.model_dump(mode="json", exclude_none=True)
    for key in type(settings).model_fields:
        value = getattr(settings, key)
        if isinstance(value, Path):
            data[key] = os.path.relpath(value) if value.is_absolute() else str(value)
    return data
