"""The report of one evaluation: a folder that a person can read and a program can load.

metrics.json holds every figure and what was measured; report.md explains it; per_code.csv has one row a code;
frequency.svg, reliability.svg and, of coders over concepts, concepts_on.svg are drawn from the same figures. None of
them holds a word of a note.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from icdcoder.core.artefact import load_card, manifest, save_card, verify
from icdcoder.core.errors import ArtefactError, InputError
from icdcoder.core.label_space import LabelSpace
from icdcoder.measure import unread
from icdcoder.measure.calibration import Bin, Calibration
from icdcoder.measure.code_table import CodeRow, code_rows, from_csv, to_csv
from icdcoder.measure.coding import coding_measures
from icdcoder.measure.concept_leak import OnShare
from icdcoder.measure.counts import Counts
from icdcoder.measure.frequency import Band, by_training_frequency
from icdcoder.measure.matrices import Flags, as_flags, as_scores
from icdcoder.measure.significance import bootstrap_micro_f1

if TYPE_CHECKING:
    from rich.console import RenderableType

FORMAT = 1
CARD = "metrics.json"
CODES = "per_code.csv"


@dataclass(frozen=True)
class Report:
    """about: what was measured (corpus, split, model, threshold …). metrics: every measure by its full name; what is
    undefined is left out. intervals: 95 % bounds of a measure. bands: by training frequency. bins: reliability.
    concepts_on: of a coder over concepts, how many of them are on."""

    about: Mapping[str, Any]
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    codes: tuple[CodeRow, ...] = ()
    bands: tuple[Band, ...] = ()
    bins: tuple[Bin, ...] = ()
    warnings: tuple[str, ...] = ()
    concepts_on: tuple[OnShare, ...] = ()

    @classmethod
    def of(
        cls,
        *,
        gold: npt.ArrayLike,
        probabilities: npt.ArrayLike,
        threshold: float,
        space: LabelSpace,
        training_counts: npt.NDArray[np.integer],
        training_notes: int = 0,
        descriptions: Mapping[str, str] | None = None,
        about: Mapping[str, Any] | None = None,
        outside: int = 0,
        evidence: Mapping[str, float] | None = None,
        patients: Sequence[str] | None = None,
    ) -> Report:
        """Measures "note code" matrices; a code is accepted where its probability is greater than `threshold`.

        training_counts: training notes of each code of `space`, of `training_notes` in all; 0: what a coder comes to
        that reads nothing is left out. descriptions: by `str(code)`. outside: gold pairs whose code the space does not
        hold; where there are any, micro recall and F1 are also given with them as misses. evidence: what `plausibility`
        said. patients: one a note, for the interval; None: each note its own.
        """
        truth = as_flags(gold, "gold")
        numbers = as_scores(probabilities, truth)
        if truth.shape[1] != len(space):
            raise InputError(f"The matrices have {truth.shape[1]} codes, the label space {len(space)}.")
        accepted = numbers > threshold
        counts = Counts.of(truth, accepted)
        told = {"threshold": {"value": threshold}, "label space": space.digest}
        calibration = Calibration.of(truth, numbers)
        interval = bootstrap_micro_f1(truth, accepted, patients)
        floor = unread.measures(truth, np.asarray(training_counts), training_notes)
        return cls(
            about={**(about or {}), **{key: value for key, value in told.items() if key not in (about or {})}},
            metrics={
                **coding_measures(truth, numbers, accepted),
                **_with_outside(counts.pooled, outside),
                **calibration.measures,
                **floor,
                **(evidence or {}),
            },
            intervals={"micro_f1": (interval.low, interval.high)},
            codes=code_rows(space, counts, training_counts, descriptions or {}),
            bands=by_training_frequency(counts, np.asarray(training_counts)),
            bins=calibration.bins,
            warnings=tuple(_warnings(truth, accepted, counts, floor)),
        )

    def save(self, folder: Path) -> None:
        """Writes into an existing folder."""
        from icdcoder.measure import charts, page

        files = {
            CODES: to_csv(self.codes),
            "frequency.svg": charts.frequency(self.bands),
            "reliability.svg": charts.reliability(self.bins),
            "report.md": page.markdown(self),
        }
        if self.concepts_on:
            files["concepts_on.svg"] = charts.concepts_on(self.concepts_on)
        for name, body in files.items():
            (folder / name).write_text(body, encoding="utf-8", newline="\n")
        card = {
            "format": FORMAT,
            **{name: getattr(self, name) for name in ("about", "metrics", "intervals", "warnings")},
        }
        card["bands"] = [asdict(band) for band in self.bands]
        card["bins"] = [asdict(one) for one in self.bins]
        if self.concepts_on:
            card["concepts_on"] = [asdict(one) for one in self.concepts_on]
        save_card(folder / CARD, {**card, "files": manifest(folder, files)})

    @classmethod
    def load(cls, folder: str | Path) -> Report:
        """Raises ArtefactError where the folder is no report, or is incomplete or damaged."""
        folder = Path(folder)
        needed = ("format", "about", "metrics", "intervals", "bands", "bins", "warnings", "files")
        card = load_card(folder / CARD, "a report folder", needed)
        if card["format"] != FORMAT:
            raise ArtefactError(f"{folder} has format {card['format']}; this icdcoder reads format {FORMAT}.")
        verify(folder, card["files"])
        try:
            return cls(
                about=card["about"],
                metrics=card["metrics"],
                intervals={name: (low, high) for name, (low, high) in card["intervals"].items()},
                codes=from_csv((folder / CODES).read_text(encoding="utf-8")),
                bands=tuple(Band(**band) for band in card["bands"]),
                bins=tuple(Bin(**one) for one in card["bins"]),
                warnings=tuple(card["warnings"]),
                concepts_on=tuple(OnShare(**one) for one in card.get("concepts_on", ())),
            )
        except (TypeError, ValueError, KeyError, AttributeError, InputError):
            raise ArtefactError(f"{folder / CARD} is not a report that icdcoder wrote.") from None

    def summary(self) -> RenderableType:
        """The main figures as a table for the terminal (rich)."""
        from icdcoder.measure import page

        return page.summary(self)


def _with_outside(pooled: Counts, outside: int) -> dict[str, float]:
    if not outside:
        return {}
    every = Counts(pooled.gold + outside, pooled.accepted, pooled.correct)
    return {
        "gold_pairs_outside_space": float(outside),
        "micro_recall_with_outside": float(every.recall),
        "micro_f1_with_outside": float(every.f1),
    }


def _warnings(gold: Flags, accepted: Flags, counts: Counts, floor: Mapping[str, float]) -> list[str]:
    found = []
    least = floor.get("micro_f1_without_reading")
    if least is not None and float(counts.pooled.f1) <= least:
        found.append(f"No better than giving every note the most frequent codes, whose micro-F1 is {least:.3f}.")
    total = int(counts.accepted.sum())
    if total == 0:
        found.append("No code was accepted for any note: precision, recall and F1 are 0 by definition.")
    elif total == gold.size:
        found.append("Every code was accepted for every note: the threshold tells nothing apart.")
    elif len(gold) > 1 and bool((accepted == accepted[0]).all()):
        found.append("The same codes were accepted for every note: the notes make no difference.")
    empty = int(np.count_nonzero(~gold.any(axis=1)))
    if empty:
        found.append(f"{empty} of {len(gold)} notes have no gold code in the label space.")
    silent = int(np.count_nonzero((counts.gold > 0) & (counts.accepted == 0)))
    if silent and total:
        found.append(f"{silent} of {np.count_nonzero(counts.gold)} codes that are gold here were never accepted.")
    return found
