"""Hierarchical activation: what scoring only the concepts under the most active blocks saves, and what it loses.

    python -m benchmarks hierarchy --codiesp DATA/codiesp [--network]
    python -m benchmarks hierarchy [--quick]           # the synthetic corpus

All codes of the corpus; the lexical scorer, whose scores of some concepts are those of all; one head, fitted on the
exhaustive scores of the training notes. The threshold is chosen on validation notes for each number of blocks. The
row "chosen" is the fewest blocks whose F1 on *validation* notes is at most .005 below the exhaustive one; the figures
are those of the test part. --network: the blocks are opened by a trained network and not by words.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from icdcoder.decide.threshold import choose
from icdcoder.experiment.concept_scoring import scored
from icdcoder.experiment.concept_training import concepts_of
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepare import prepare
from icdcoder.experiment.prepared import Prepared
from icdcoder.knowledge.concepts import ConceptSet
from icdcoder.measure.coding import set_measures
from icdcoder.nn.concept_head import fit_head
from icdcoder.predictors import concept, concept_stages
from icdcoder.predictors.concept_heads.network import head_probabilities
from icdcoder.predictors.concept_scorers import hierarchical, lexical

BLOCKS = (5, 10, 15, 25, 40)
LOSS = 0.005


@dataclass(frozen=True)
class Part:
    """Notes with their exhaustive scores."""

    indices: list[int]
    scores: npt.NDArray[np.float32]
    gold: npt.NDArray[np.bool_]


def experiment(folder: Path, codiesp: Path | None, quick: bool) -> Experiment:
    corpus: dict[str, Any] = {"kind": "synthetic", "documents": 60 if quick else 400}
    if codiesp is not None:
        corpus = {"kind": "codiesp", "root": str(codiesp), "language": "en", "codes": "diagnoses"}
    labels = {"top": 100_000}
    model = {"kind": "concept"}
    return Experiment.resolve(
        {"name": "hierarchy", "runs": str(folder), "corpus": corpus, "labels": labels, "model": model}
    )


def fitted(config: concept.Config, known: ConceptSet, prepared: Prepared, training: Part) -> Any:
    torch.manual_seed(0)
    head = concept_stages.new_head(config, known, prepared.space)
    fit_head(
        head,
        torch.from_numpy(training.scores),
        torch.from_numpy(training.gold).float(),
        steps=config.steps,
        learning_rate=config.learning_rate,
        decay=config.decay,
    )
    return head.eval()


def f1(head: Any, validation: Part, test: Part, seen: tuple[Any, Any]) -> tuple[float, float]:
    """(on validation, on test notes), where only the concepts are scored that `seen` of each part says."""
    own, other = (
        head_probabilities(head, np.where(s, p.scores, 0)) for s, p in zip(seen, (validation, test), strict=True)
    )
    threshold = choose(validation.gold, own).value
    return tuple(
        set_measures(part.gold, found > threshold)["micro_f1"] for part, found in ((validation, own), (test, other))
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codiesp", type=Path)
    parser.add_argument("--network", action="store_true")
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = experiment(Path(folder), asked.codiesp, asked.quick)
        measure(config, prepare(config), "network" if asked.network else "words")


def measure(config: Experiment, prepared: Prepared, gate: Any) -> None:
    assert isinstance(config.model, concept.Config)
    known = concepts_of(config.model, prepared)
    documents = [prepared.documents[i] for i in prepared.split("train")]
    scorer = lexical.fit(lexical.Config(), known, documents, config.seed)
    parts = []
    for name in ("train", "validation", "test"):
        indices = list(prepared.split(name))
        parts.append(Part(indices, scored(scorer, prepared, indices), prepared.gold(indices)))
    training, validation, test = parts
    head = fitted(config.model, known, prepared, training)
    best, exhaustive = f1(head, validation, test, (np.True_, np.True_))
    print(f"{len(prepared.space)} codes, {len(known)} concepts, {len(test.indices)} test notes, gate: {gate}")
    print(f"  exhaustive: {len(known)} concepts a note, micro-F1 {exhaustive:.3f} (validation {best:.3f})")
    membership = known.membership(prepared.space.codes)[0]
    chosen = None
    opened = hierarchical.fit(hierarchical.Config(gate=gate), known, documents, config.seed)
    for most in BLOCKS:
        within = hierarchical.HierarchicalScorer(known, scorer, opened.gate, opened.below, most, opened.least)
        seen = tuple(_seen(within, prepared, part, len(known)) for part in (validation, test))
        own, found = f1(head, validation, test, seen)
        number = float(seen[1].sum(1).mean())
        reached = ((seen[1].astype(np.float32) @ membership.T) > 0)[test.gold].mean()
        print(
            f"  {most:3} blocks: {number:6.0f} concepts a note ({number / len(known):4.0%}), micro-F1 {found:.3f} "
            f"(validation {own:.3f}), {reached:.0%} of the gold codes have a concept that is scored",
            flush=True,
        )
        if chosen is None and own >= best - LOSS:
            chosen = f"  chosen on validation notes: {most} blocks, micro-F1 {found:.3f} of {exhaustive:.3f}"
    print(chosen or "  chosen on validation notes: none is within .005")


def _seen(scorer: Any, prepared: Prepared, part: Part, concepts: int) -> npt.NDArray[np.bool_]:
    found = np.zeros((len(part.indices), concepts), dtype=np.bool_)
    for row, own in zip(found, scorer.active([prepared.documents[i].joined() for i in part.indices]), strict=True):
        row[own] = True
    return found


if __name__ == "__main__":
    main()
