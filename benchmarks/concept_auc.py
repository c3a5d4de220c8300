"""Does a scorer of concepts read the note, or has it learnt which concepts are common? AUC within a concept tells.

    python -m benchmarks concept_auc [--quick] [--checkpoint FOLDER]

Scorers are fitted on notes of the synthetic corpus, with the words of the concepts as what they learn from
(targets = "evidence"), and asked about other notes. "over all": AUC of all pairs of note and concept, which knowing
the common concepts makes high. "within a concept": the mean, over concepts that some notes support and some do not, of
the AUC among the notes; .5 is that of a scorer that does not look at the note. With a checkpoint of a causal language
model (`icdcoder pretrain` makes small ones), it is fine-tuned with LoRA and measured too.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from icdcoder.core.document import Document
from icdcoder.corpora.synthetic import Config, read
from icdcoder.knowledge import concepts
from icdcoder.knowledge.concepts import ConceptSet
from icdcoder.measure.roc import auc_of_codes
from icdcoder.predictors.concept_scorers import label_attention, language_model, lexical

CODES = 12
SUPPORTED = 0.5
# Notes on either side that a concept needs.
LEAST = 3


def report(name: str, truth: npt.NDArray[np.bool_], scores: npt.NDArray[np.float32]) -> None:
    counts = truth.sum(0)
    fit = (counts >= LEAST) & (len(truth) - counts >= LEAST)
    within = auc_of_codes(truth[:, fit], scores[:, fit])
    over_all = auc_of_codes(truth.reshape(-1, 1), scores.reshape(-1, 1))[0]
    print(f"  {name:<18} over all {over_all:.3f}  within a concept {np.mean(within):.3f} (of {fit.sum()})", flush=True)


def scored(scorer: Any, documents: Sequence[Document]) -> npt.NDArray[np.float32]:
    return scorer.scores([document.joined() for document in documents])


def scorers(known: ConceptSet, training: Sequence[Document], checkpoint: Path | None, epochs: int) -> dict[str, Any]:
    network = label_attention.Config(network={"epochs": epochs})  # pyright: ignore[reportArgumentType]
    found: dict[str, Any] = {"label attention": label_attention.fit(network, known, training, 0)}
    if checkpoint is not None:
        asking = language_model.AskingConfig(checkpoint=checkpoint, epochs=epochs)
        found["language model"] = language_model.fit(language_model.Config(asking=asking), known, training, 0)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--epochs", type=int, default=15)
    asked = parser.parse_args()
    documents = list(read(Config(documents=60 if asked.quick else 300, codes=CODES)).documents)
    training, others = documents[: len(documents) // 2], documents[len(documents) // 2 :]
    codes = sorted({code for document in documents for code in document.codes}, key=str)[:CODES]
    known = concepts.build(tuple(codes))
    truth = scored(lexical.fit(lexical.Config(), known, training, 0), others) >= SUPPORTED
    print(f"{len(training)} training notes, {len(others)} others, {len(codes)} codes, {len(known)} concepts")
    common = scored(lexical.fit(lexical.Config(), known, training, 0), training).mean(0)
    report("how common it is", truth, np.tile(common, (len(others), 1)))
    for name, scorer in scorers(known, training, asked.checkpoint, 2 if asked.quick else asked.epochs).items():
        report(name, truth, scored(scorer, others))


if __name__ == "__main__":
    main()
