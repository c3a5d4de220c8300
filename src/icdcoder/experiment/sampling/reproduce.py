"""The published statistics of sampling beside those of a corpus. It prepares the corpus and trains nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from icdcoder.core import components
from icdcoder.core.cache import write_atomic
from icdcoder.core.config import override
from icdcoder.core.errors import ConfigError, did_you_mean
from icdcoder.core.progress import SILENT, Progress
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepare import prepare
from icdcoder.experiment.published import data_set, stand_in
from icdcoder.experiment.sampling import published
from icdcoder.experiment.sampling.published import SamplingTable
from icdcoder.experiment.sampling.report import markdown
from icdcoder.experiment.sampling.sections import sampled_sections


def reproduce(
    name: str,
    *,
    corpus: str = "",
    settings: Sequence[str] = (),
    runs: Path = Path("runs"),
    progress: Progress = SILENT,
) -> str:
    """The table, which is written to table.md and table.json beside the prepared corpus, too.

    corpus: a stand-in for MIMIC. settings: overrides, such as "corpus.root=/data/mimic3" or "text.max_tokens=512"; each
    budget and sampler has a prepared corpus of its own. Raises ConfigError for an unknown table or corpus.
    """
    table = published.load(name)
    base = override(_base(table, corpus), settings)
    _require_root(base, table, corpus)
    text = base["text"]
    base.setdefault("name", f"{text.get('tokens', 'words')}-{text['sampler']}-{text['max_tokens']}")
    folder = runs / f"reproduce-{name}{'-' + corpus if corpus else ''}"
    experiment = Experiment.resolve({**base, "runs": str(folder)})
    found = sampled_sections(experiment, prepare(experiment, progress=progress), progress=progress)
    title = stand_in(corpus).title if corpus else data_set(table.set).title
    shown = markdown(found, title, table)
    write_atomic(experiment.folder / "table.md", shown)
    about = {"table": name, "set": corpus or table.set}
    write_atomic(experiment.folder / "table.json", json.dumps({**about, **asdict(found)}, indent=1))
    return shown


def _base(table: SamplingTable, corpus: str) -> dict[str, Any]:
    if not corpus:
        return {"corpus": data_set(table.set).corpus, "text": table.text}
    if corpus not in table.corpora:
        near = did_you_mean(corpus, list(table.corpora))
        raise ConfigError(f"There is no corpus {corpus!r}.{near} Known: {', '.join(table.corpora)}.")
    protocol, own = stand_in(corpus), table.corpora[corpus]
    # A vocabulary's settings change no place of a word, and readers of subwords do not know them.
    return {
        "corpus": {**protocol.corpus, **own.corpus},
        "labels": protocol.labels,
        "text": {**table.text, **own.text},
    }


def _require_root(base: dict[str, Any], table: SamplingTable, corpus: str) -> None:
    root = components.load("corpora", base["corpus"]["kind"]).Config.model_fields.get("root")
    if root is not None and root.is_required() and "root" not in base["corpus"]:
        needs = stand_in(corpus).needs if corpus else data_set(table.set).needs
        without = "" if corpus else f" Without MIMIC: --corpus {'|'.join(table.corpora)}."
        raise ConfigError(f"This needs {needs}: --set corpus.root=FOLDER.{without}")
