"""How `icdcoder fit-ranker` and `icdcoder combine` fit, measure and print."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from icdcoder.cli.options import experiment
from icdcoder.cli.screen import Bars, measures, out, say
from icdcoder.core.errors import ConfigError

if TYPE_CHECKING:
    from icdcoder.core.document import Document
    from icdcoder.core.prediction import Prediction
    from icdcoder.decide.threshold import Threshold
    from icdcoder.experiment.config import Experiment
    from icdcoder.predictors.ranked import Config

REPORT = "report.json"
# Makes a coder folder: (experiment, settings of the ranker, folder) → its threshold.
Fit = Callable[["Experiment", "Config", Path], "Threshold"]


def fit_and_measure(
    config: str,
    settings: tuple[str, ...],
    ranker: dict[str, Any],
    folder: str | None,
    folds: int,
    *,
    ship: bool = False,
    fresh: bool,
) -> None:
    """ranker: settings of predictors/ranked.py. ship: make the coder that comes with icdcoder."""
    from icdcoder.core.config import build
    from icdcoder.experiment.ranking import fit_ranker
    from icdcoder.predictors.ranked import SHIPPED, Config

    if ship:
        if folder or folds or ranker["habits"]:
            raise ConfigError("--ship goes with --no-habits, and without --folder and --folds.")
        folder, settings, fresh = str(SHIPPED), (*settings, "name=ranked"), True
    ranked = build(Config, ranker, "ranked")

    def fit(asked: Experiment, settings: Config, place: Path) -> Threshold:
        return fit_ranker(asked, settings, place, rules=ship, fresh=fresh, progress=Bars())

    measured(config, settings, ranked, fit, folder, "ranked", folds, fresh=fresh, keep_report=not ship)


def combine_and_measure(
    config: str, settings: tuple[str, ...], coder: str | None, system: str, folder: str | None, *, fresh: bool
) -> None:
    from icdcoder.core.config import build
    from icdcoder.experiment.combining import combine
    from icdcoder.predictors.ranked import Config

    ranked = build(Config, {"dictionary": {"system": system}}, "ranked")

    def fit(asked: Experiment, settings: Config, place: Path) -> Threshold:
        trained = Path(coder) if coder else asked.coder
        return combine(asked, settings, trained, place, fresh=fresh, progress=Bars())

    measured(config, settings, ranked, fit, folder, "combined", 0, fresh=fresh)


def measured(
    config: str,
    settings: tuple[str, ...],
    ranked: Config,
    fit: Fit,
    folder: str | None,
    name: str,
    folds: int,
    *,
    fresh: bool,
    keep_report: bool = True,
) -> None:
    """Fits and measures once, or once a fold, and prints the figures of all answers together."""
    from icdcoder.experiment.open_report import open_report

    runs = [settings]
    if folds:
        runs = [(*settings, f"corpus.folds={folds}", f"corpus.fold={fold}") for fold in range(folds)]
    trained: list[Document] = []
    tested: list[Document] = []
    answers: list[Prediction] = []
    target = Path(folder) if folder else experiment(config, list(settings)).folder / name
    places = [target / f"fold{number}" for number in range(folds)] if folds else [target]
    for place in places:
        if place.exists() and not fresh:  # said before the minutes that fitting takes
            raise ConfigError(f"{place} exists already; --fresh makes it anew, --folder names another place.")
    for place, own in zip(places, runs, strict=True):
        asked = experiment(config, list(own))
        threshold = fit(asked, ranked, place)
        say(f"{place}: threshold {threshold.origin}.")
        training, test, found = _answers(asked, ranked, place)
        trained, tested, answers = training, [*tested, *test], [*answers, *found]
    report = open_report(trained, tested, answers)
    if keep_report:
        (target / REPORT).write_text(json.dumps(report, indent=1), encoding="utf-8")
    _print(report)
    typer.echo(target)


def _answers(
    asked: Experiment, ranked: Config, folder: Path
) -> tuple[list[Document], list[Document], list[Prediction]]:
    """(training and validation documents, test documents, the coder's answers to these)."""
    from icdcoder.coder import Coder
    from icdcoder.experiment.measuring import ALL_CANDIDATES
    from icdcoder.experiment.ranking import read_corpus

    documents = list(read_corpus(asked, ranked).documents)
    test = [d for d in documents if d.split == "test"]
    if not test:
        raise ConfigError("The corpus has no test part to measure on.")
    coder = Coder.load(folder)
    found = []
    with Bars().track("Coding test notes", len(test)) as step:
        for prediction in coder.code_all([d.joined() for d in test], top=ALL_CANDIDATES):
            found.append(_of_edition(prediction, ranked))
            step()
    return [d for d in documents if d.split != "test"], test, found


def _of_edition(prediction: Prediction, ranked: Config) -> Prediction:
    """The prediction under the codes of the corpus's edition."""
    from dataclasses import replace

    from icdcoder.predictors.dictionary.editions import OlderEdition

    older = OlderEdition(ranked.gold_edition)
    found: dict[object, Any] = {}
    for one in prediction.codes:
        code = older.code(one.code)
        found.setdefault(code, replace(one, code=code))
    return replace(prediction, codes=tuple(found.values()))


def _print(report: dict[str, Any]) -> None:
    from rich.table import Table

    measures(report["measures"])
    for title in ("by training notes of the code", "by chapter", "reliability"):
        rows = report[title]
        if not rows:
            continue
        table = Table(box=None, pad_edge=False, title=title, title_justify="left")
        for name in rows[0]:
            table.add_column(name, justify="left" if name == "name" else "right")
        for row in rows:
            table.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()))
        out().print(table)
