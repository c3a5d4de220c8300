"""CMC 2007 by cross-validation: what the ranker makes of the dictionary's candidates, and what each part gives.

    python -m benchmarks cmc2007 --cmc2007=FOLDER [--seeds=0,1,2] [--folds=10] [--parts=whole] [--quick]

Everything is fitted within the training folds: wordings, similar notes, trees, which sets of codes are given, and the
threshold, which is chosen on probabilities of rankers that have not seen the note. Folds are of texts, so that a report
that occurs twice is in one of them. Prints micro-precision, -recall and -F1 over the pooled folds, one line a part and
seed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time

import numpy as np

from icdcoder.core.code import Code
from icdcoder.core.document import Document
from icdcoder.corpora import cmc2007
from icdcoder.experiment.ranking import matrices, ranker_threshold
from icdcoder.predictors import lexicon
from icdcoder.predictors.dictionary.candidates.scoring import ACCEPTED
from icdcoder.predictors.ranking import fitting
from icdcoder.predictors.ranking.descriptions import Rarity
from icdcoder.predictors.ranking.habits import Coded
from icdcoder.predictors.ranking.reading import rarity, read

DATA = Path(os.environ.get("ICDCODER_DATA", Path(__file__).parents[2] / "shared" / "data"))
# (training notes, their patients, test notes) → the codes accepted for each test note.
Part = Callable[[Sequence[Coded], Sequence[str], Sequence[Coded]], list[set[Code]]]


def dictionary(_: Sequence[Coded], __: Sequence[str], test: Sequence[Coded]) -> list[set[Code]]:
    return [{c.code for c in n.read.candidates if c.score >= ACCEPTED} for n in test]


def ranked(habits: bool, rare: Rarity) -> Part:
    def accepted(training: Sequence[Coded], patients: Sequence[str], test: Sequence[Coded]) -> list[set[Code]]:
        fitted = fitting.fit(training, patients, habits=habits, rarity=rare)
        gold, scores = matrices([set(n.codes) for n in training], fitted.codes, fitted.probabilities)
        least = ranker_threshold(gold, scores, habits=habits).value
        found = []
        for note in test:
            rows, probabilities = fitted.ranker.rank(note.read)
            found.append({c for c, p in zip(rows.codes, probabilities, strict=True) if p > least})
        return found

    return accepted


def parts(rare: Rarity) -> dict[str, Part]:
    return {"dictionary": dictionary, "no-habits": ranked(False, rare), "whole": ranked(True, rare)}


def pooled(part: Part, notes: Sequence[Coded], folds: Sequence[Sequence[Document]]) -> tuple[int, int, int]:
    """(gold, accepted, right) pairs of all folds. folds: the corpus, split for each fold."""
    counts = np.zeros(3, dtype=int)
    for number, documents in enumerate(folds):
        test = [n for n, d in zip(notes, documents, strict=True) if d.split == "test"]
        training = [(n, d.patient) for n, d in zip(notes, documents, strict=True) if d.split != "test"]
        found = part([n for n, _ in training], [patient for _, patient in training], test)
        own = [(len(n.codes), len(f), len(n.codes & f)) for n, f in zip(test, found, strict=True)]
        counts += np.array(own).sum(axis=0)
        gold, accepted, right = counts
        print(f"  fold {number}: F1 so far {2 * right / (gold + accepted):.4f}", file=sys.stderr, flush=True)
    gold, accepted, right = counts.tolist()
    return gold, accepted, right


def main() -> None:
    flags = [a.removeprefix("--").partition("=") for a in sys.argv[1:] if a.startswith("--")]
    options = {name: value for name, _, value in flags}
    root = Path(options.get("cmc2007", DATA / "cmc2007"))
    if not root.exists():
        print(f"{root} is not there: --cmc2007=FOLDER names the corpus. Nothing measured.")
        return
    folds = int(options.get("folds", "3" if "quick" in options else "10"))
    coder = lexicon.build(lexicon.Config(system="icd9cm", edition="2007"))
    documents = cmc2007.read(cmc2007.Config(root=root)).documents
    notes = [Coded(read(d.joined(), coder), frozenset(d.codes), None) for d in documents]
    print(f"CMC 2007, {len(notes)} reports, {folds} folds\n{'part':12} seed precision recall   F1  CPU seconds")
    known = parts(rarity(coder))
    for seed in map(int, options.get("seeds", "0").split(",")):
        splits = [
            list(cmc2007.read(cmc2007.Config(root=root, folds=folds, fold=fold, seed=seed)).documents)
            for fold in range(folds)
        ]
        for name in options.get("parts", ",".join(known)).split(","):
            start = process_time()
            gold, accepted, right = pooled(known[name], notes, splits)
            print(
                f"{name:12} {seed:4} {right / accepted:9.4f} {right / gold:6.4f} {2 * right / (gold + accepted):.4f}"
                f" {process_time() - start:8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
