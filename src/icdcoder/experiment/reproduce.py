"""Reproduce: the systems of a published table, trained here on equal terms, beside the published figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from icdcoder.core import components
from icdcoder.core.errors import ConfigError, IcdcoderError, did_you_mean
from icdcoder.core.progress import SILENT, Progress
from icdcoder.experiment import published
from icdcoder.experiment.config import STAGED
from icdcoder.experiment.published import PublishedTable, Row
from icdcoder.experiment.row_settings import check_checkpoints, row_settings
from icdcoder.experiment.sweep import Run, sweep_over
from icdcoder.train.stopping import TrainingInterruptedError


@dataclass(frozen=True)
class Reproduced:
    """One row: its runs, one a seed (folds pooled), or the reason why there are none. settings: what the user set."""

    row: Row
    runs: tuple[Run, ...] = ()
    reason: str = ""
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reproduction:
    """corpus: the stand-in on which the systems ran, or "" where they ran on the published data sets."""

    name: str
    table: PublishedTable
    corpus: str
    rows: tuple[Reproduced, ...]
    titles: Mapping[str, str] = field(default_factory=dict)


def reproduce(
    name: str,
    *,
    corpus: str = "",
    systems: Sequence[str] = (),
    seeds: Sequence[int] = (1, 2, 3),
    settings: tuple[str, ...] = (),
    runs: Path = Path("runs"),
    progress: Progress = SILENT,
) -> Reproduction:
    """Runs what can be run and says of each other row why it cannot. Finished runs are kept: it can be stopped.

    corpus: a stand-in ("synthetic", "codiesp", "cmc2007") for MIMIC; each system runs once on it, and its published
    figures are those of another data set. systems: names or kinds of the rows wanted; none: all.
    settings: overrides for every run, such as "corpus.root=/data/mimic3" or "model.checkpoint=/models/llama"; where a
    table compares several language models, "checkpoint.t5-base=/models/t5-base" for each.

    The tables written hold the rows of earlier calls too. Raises ConfigError for an unknown table, corpus or system,
    and for another loader of labels than the published figures rest on. A run that fails costs its own row only.
    """
    table = published.load(name)
    rows = _chosen(table, systems, once=bool(corpus))
    check_checkpoints(rows, table, settings)
    if not corpus:
        _refuse_other_labels(rows, settings)
    folder = runs / f"reproduce-{name}{'-' + corpus if corpus else ''}"
    found = []
    with progress.track(f"Reproducing {name}", len(rows)) as step:
        for row in rows:
            measured = _row(row, table, corpus, seeds, settings, folder, progress)
            found.append(replace(measured, settings=tuple(settings)))
            step(1, row.system)
    titles = {corpus: published.stand_in(corpus).title} if corpus else _titles(rows)
    result = Reproduction(name, table, corpus, tuple(found), titles)
    from icdcoder.experiment.reproduction_report import save

    save(result, folder)
    return result


def _chosen(table: PublishedTable, systems: Sequence[str], *, once: bool) -> list[Row]:
    known = list(dict.fromkeys([row.system for row in table.rows] + [row.model["kind"] for row in table.rows]))
    for system in systems:
        if system not in known:
            raise ConfigError(f"The table has no system {system!r}.{did_you_mean(system, known)}")
    rows = [row for row in table.rows if not systems or row.system in systems or row.model["kind"] in systems]
    if not once:
        return rows
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row.system, row)
    return list(first.values())


def _refuse_other_labels(rows: Sequence[Row], settings: Sequence[str]) -> None:
    """Results on codes of the two loaders do not compare; see `corpora/_mimic/labels.py`."""
    for setting in settings:
        key, _, value = setting.partition("=")
        for row in rows if key.strip() == "corpus.labels" else ():
            wanted = published.data_set(row.set).corpus.get("labels")
            if wanted is not None and value.strip().strip("\"'") != wanted:
                raise ConfigError(
                    f"{row.system} on {row.set} was published with corpus.labels={wanted}, and {setting} reads other "
                    f"codes: the results would not compare. Leave it out here, and use it in a run of your own."
                )


def _titles(rows: Sequence[Row]) -> dict[str, str]:
    return {row.set: published.data_set(row.set).title for row in rows}


def _row(
    row: Row,
    table: PublishedTable,
    corpus: str,
    seeds: Sequence[int],
    settings: tuple[str, ...],
    folder: Path,
    progress: Progress,
) -> Reproduced:
    kind = row.model["kind"]
    if kind not in (*components.names("models"), *STAGED):
        return Reproduced(row, reason=f"there is no model {kind!r} in this version")
    own = row_settings(row, table, corpus, settings)
    if own.missing:
        return Reproduced(row, reason=own.missing)
    base = {**own.base, "name": _slug(row, corpus), "runs": str(folder)}
    axes = [f"seed={','.join(map(str, seeds))}", *own.over]
    try:
        return Reproduced(row, tuple(sweep_over(base, axes, pool=own.pool, progress=progress)))
    except TrainingInterruptedError:
        raise
    except IcdcoderError as error:
        return Reproduced(row, reason=str(error))


def _slug(row: Row, corpus: str) -> str:
    # On a stand-in the name of the published set only tells rows apart, and runs are found again by it.
    name = row.set.removesuffix("-correct") if corpus else row.set
    letters = "".join(letter if letter.isalnum() else "-" for letter in row.system.lower())
    return f"{'-'.join(part for part in letters.split('-') if part)}-{name}"
