"""The claim of coding over concepts as one experiment: arms and seeds from a table, resumable, into Markdown tables."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field

from icdcoder.core.cache import write_atomic
from icdcoder.core.config import Settings, build, override
from icdcoder.core.errors import ConfigError, IcdcoderError, did_you_mean
from icdcoder.core.progress import SILENT, Progress
from icdcoder.experiment.sweep import Run, sweep_over

NAME = "paper3-claims"
TABLE = f"_{NAME}.toml"


class CorpusOfClaims(Settings):
    title: str
    settings: dict[str, Any]


class Group(Settings):
    """One table; its first arm is what the others are compared with."""

    name: str
    title: str
    arms: tuple[str, ...] = Field(min_length=1)


class Claims(Settings):
    """arms: {name: settings of [model] beside kind}."""

    title: str
    source: str
    notes: tuple[str, ...] = ()
    corpora: dict[str, CorpusOfClaims]
    groups: tuple[Group, ...]
    arms: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Arm:
    """runs: one a seed; or the reason why there are none."""

    name: str
    runs: tuple[Run, ...] = ()
    reason: str = ""


def load_claims() -> Claims:
    text = (files("icdcoder.experiment") / "tables" / TABLE).read_text(encoding="utf-8")
    return build(Claims, tomllib.loads(text), TABLE)


def run_claims(
    corpus: str,
    *,
    groups: Sequence[str] = (),
    seeds: Sequence[int] = (1, 2, 3, 4, 5),
    settings: Sequence[str] = (),
    runs: Path = Path("runs"),
    progress: Progress = SILENT,
) -> Path:
    """Trains and measures every arm of the groups (none: all), and returns the Markdown file, which is written anew
    after each arm. Runs that are done are kept, so that a stopped experiment goes on. settings: overrides for all.

    Raises ConfigError for an unknown corpus or group. An arm that fails costs its own rows only.
    """
    from icdcoder.experiment.concept_claims_report import markdown

    claims = load_claims()
    about = claims.corpora[_known(corpus, list(claims.corpora), "corpus")]
    names = [group.name for group in claims.groups]
    chosen = [g for g in claims.groups if g.name in [_known(name, names, "group") for name in groups or names]]
    folder = runs / f"{NAME}-{corpus}"
    folder.mkdir(parents=True, exist_ok=True)
    arms = list(dict.fromkeys(name for group in chosen for name in group.arms))
    found: dict[str, Arm] = {}
    path = folder / "claims.md"
    with progress.track("Arms", len(arms)) as step:
        for name in arms:
            found[name] = _arm(name, claims, about, seeds, settings, folder)
            write_atomic(path, markdown(claims, about, chosen, found))
            step(1, name)
    rows = {name: [{"chosen": r.chosen, "metrics": r.metrics} for r in arm.runs] for name, arm in found.items()}
    write_atomic(folder / "claims.json", json.dumps(rows, indent=1))
    return path


def _arm(
    name: str,
    claims: Claims,
    about: CorpusOfClaims,
    seeds: Sequence[int],
    settings: Sequence[str],
    folder: Path,
) -> Arm:
    data = {**about.settings, "model": {"kind": "concept", **claims.arms[name]}, "runs": str(folder)}
    base = {**override(data, settings), "name": slug(name)}
    try:
        return Arm(name, tuple(sweep_over(base, [f"seed={','.join(map(str, seeds))}"])))
    except IcdcoderError as error:
        return Arm(name, reason=str(error))


def slug(name: str) -> str:
    letters = "".join(letter if letter.isalnum() else "-" for letter in name.lower())
    return "-".join(part for part in letters.split("-") if part)


def _known(name: str, known: list[str], what: str) -> str:
    if name not in known:
        raise ConfigError(f"The claims have no {what} {name!r}.{did_you_mean(name, known)} Known: {', '.join(known)}.")
    return name
