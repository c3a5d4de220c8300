"""Runs the arms of claims, networks each in a process of its own, so that the memory measured is its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from icdcoder.core.errors import IcdcoderError
from icdcoder.core.progress import SILENT, Progress
from icdcoder.experiment.alone import called_alone
from icdcoder.experiment.claims import described
from icdcoder.experiment.claims.arms import LanguageModel, chosen, given_checkpoint, name_of, settings_of
from icdcoder.experiment.claims.described import Arm, Claim, Claims
from icdcoder.train.stopping import TrainingInterruptedError

MEASURES = (
    "micro_f1",
    "macro_f1_mean_of_codes",
    "mean_average_precision",
    "generation_micro_f1",
    "attention_micro_f1",
    "concepts_rule_f1",
)


@dataclass(frozen=True, slots=True)
class Tried:
    """One arm: its measures, one dictionary a seed, or the reason why there are none."""

    arm: Arm
    runs: tuple[dict[str, float], ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    claims: Claims
    corpus: str
    checkpoint: str
    tried: tuple[tuple[Claim, tuple[Tried, ...]], ...]


def try_claims(
    name: str,
    *,
    corpus: str,
    wanted: Sequence[str] = (),
    seeds: Sequence[int] = (1, 2, 3),
    settings: Sequence[str] = (),
    runs: Path = Path("runs"),
    alone: bool = True,
    progress: Progress = SILENT,
) -> Outcome:
    """Tries claims on a corpus. Finished runs are kept: it can be stopped, and the same call goes on.

    settings: overrides of every run, and "checkpoint=FOLDER", the language model. alone: each run whose memory is
    measured in a process of its own.
    Writes claims.md into the folder of the runs after each arm. An arm that is in two claims on the same data is run
    once. Raises ConfigError for an unknown claim or corpus; an arm that fails costs itself only.
    """
    from icdcoder.experiment.claims.report import save

    claims = described.load(name)
    checkpoint, others = given_checkpoint(settings)
    model = None if checkpoint is None else LanguageModel.of(checkpoint)
    folder = runs / f"{name}-{corpus}{'' if checkpoint is None else '-' + name_of(checkpoint)}"
    found: dict[str, tuple[Claim, list[Tried]]] = {}
    outcome = Outcome(claims, corpus, checkpoint or "", ())
    for claim in chosen(claims, corpus, wanted):
        _, tried = found[claim.name] = (claim, [])
        with progress.track(f"claim {claim.name}", len(claim.arms)) as step:
            for arm in claim.arms:
                base = settings_of(claims, claim, arm, corpus, model, others)
                if isinstance(base, str):
                    tried.append(Tried(arm, reason=base))
                else:
                    base |= {"name": _folder_name(claim, arm, corpus), "runs": str(folder)}
                    if arm.checkpoint and base["model"]["kind"] == "llm_multirescnn":
                        base["model"].setdefault("cache", str(folder / "states"))
                    tried.append(_tried(arm, base, seeds, _Wanted(_late_after(claim, arm, model), claim.bands), alone))
                outcome = replace(outcome, tried=tuple((one, tuple(arms)) for one, arms in found.values()))
                save(outcome, folder)
                step(1, arm.name)
    return outcome


def _folder_name(claim: Claim, arm: Arm, corpus: str) -> str:
    """Of the arm alone where the claim leaves the corpus as it is, so that claims share its runs."""
    words = f"{claim.name} {arm.name}" if corpus in claim.on else arm.name
    letters = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in words.lower())
    return "-".join(letters.split())


def _late_after(claim: Claim, arm: Arm, model: LanguageModel | None) -> int | None:
    if claim.late_after is not None:
        return claim.late_after
    return model.trained_length if model is not None and arm.tokens is not None else None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is measured beside the report: codes told so late, and bands of training notes."""

    late_after: int | None
    bands: bool


def _tried(arm: Arm, base: dict[str, Any], seeds: Sequence[int], wanted: _Wanted, alone: bool) -> Tried:
    runs = []
    alone = alone and base["model"]["kind"] != "concept"  # whose memory is not measured
    for seed in seeds:
        one = called_alone(_one, base, seed, wanted) if alone else _one(base, seed, wanted)
        if isinstance(one, str):
            return Tried(arm, tuple(runs), one)
        runs.append(one)
    return Tried(arm, tuple(runs))


def _one(base: dict[str, Any], seed: int, wanted: _Wanted) -> dict[str, float] | str:
    """The measures of one run, or as words why it failed."""
    from icdcoder.experiment.claims import measures
    from icdcoder.experiment.sweep import sweep_over

    try:
        run = sweep_over(base, [f"seed={seed}"])[0]
    except TrainingInterruptedError:
        raise
    except IcdcoderError as error:
        return str(error)
    found = {name: run.metrics[name] for name in MEASURES if name in run.metrics}
    found |= measures.of_training(run.folder)
    if wanted.bands:
        found |= measures.by_training_notes(run.folder)
    unseen = measures.recall_of_unseen_wording(run.folder)
    late = None if wanted.late_after is None else measures.recall_of_late_codes(run.folder, wanted.late_after)
    recalls = {"recall_of_unseen_wording": unseen, "recall_of_late_codes": late}
    return found | {name: value for name, value in recalls.items() if value is not None}
