"""Evaluation of 3,372 notes × 8,922 codes (the full test split of MIMIC-III in CAML's label space), ours beside the
plain way: the formulas that the literature uses, on whole matrices, with a ROC curve a code from scikit-learn.

    python -m benchmarks metrics [--quick]

The data are random: code frequencies fall as in a long-tailed label space, 16 gold codes a note, and scores that find
most of them. Each side runs in a process of its own; memory is what it takes beyond the matrices it is given.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from icdcoder.decide.threshold import choose
from icdcoder.measure.coding import coding_measures

KS = (5, 8, 15)
TINY = 1e-10
Matrices = tuple[np.ndarray, np.ndarray, np.ndarray]


def data(notes: int, codes: int, seed: int = 0) -> Matrices:
    """(gold, scores, accepted), each "note code"."""
    rng = np.random.default_rng(seed)
    frequency = 1 / np.arange(1, codes + 1)
    frequency = np.minimum(frequency * 16 / frequency.sum(), 0.5).astype(np.float32)
    gold = rng.random((notes, codes), dtype=np.float32) < frequency
    logits = rng.standard_normal((notes, codes), dtype=np.float32) * 1.5 + np.log(frequency) - 1
    logits[gold] += 4
    scores = 1 / (1 + np.exp(-logits))
    return gold, scores, scores > 0.5


def plain_measures(gold: np.ndarray, scores: np.ndarray, accepted: np.ndarray) -> dict[str, float]:
    """What CAML's evaluation reports, computed as its formulas are written."""
    from sklearn.metrics import auc, roc_curve

    both, either = np.logical_and(gold, accepted).sum(0), np.logical_or(gold, accepted).sum(0)
    precision = float((both / (accepted.sum(0) + TINY)).mean())
    recall = float((both / (gold.sum(0) + TINY)).mean())
    flat_gold, flat = gold.ravel(), accepted.ravel()
    correct = np.logical_and(flat_gold, flat).sum(dtype=float)
    micro_precision, micro_recall = correct / flat.sum(), correct / flat_gold.sum()
    found = {
        "jaccard_macro": float((both / (either + TINY)).mean()),
        "macro_precision": precision,
        "macro_recall": recall,
        "macro_f1_of_macro_precision_recall": 2 * precision * recall / (precision + recall),
        "jaccard_micro": correct / np.logical_or(flat_gold, flat).sum(),
        "micro_precision": micro_precision,
        "micro_recall": micro_recall,
        "micro_f1": 2 * micro_precision * micro_recall / (micro_precision + micro_recall),
    }
    for k in KS:
        best = np.argsort(scores)[:, ::-1][:, :k]
        hits = np.array([row[place].sum() for row, place in zip(gold, best, strict=True)])
        sizes = gold.sum(1)
        found[f"precision_at_{k}"] = float((hits / k).mean())
        found[f"recall_at_{k}"] = float((hits[sizes > 0] / sizes[sizes > 0]).mean())
    areas = []
    for code in range(gold.shape[1]):
        if 0 < gold[:, code].sum() < len(gold):
            false, true, _ = roc_curve(gold[:, code], scores[:, code])
            areas.append(auc(false, true))
    found["auc_macro"] = float(np.mean(areas))
    false, true, _ = roc_curve(flat_gold, scores.ravel())
    found["auc_micro"] = float(auc(false, true))
    return found


def our_threshold(gold: np.ndarray, scores: np.ndarray, accepted: np.ndarray) -> dict[str, float]:
    found = choose(gold, scores)
    return {"micro_f1": found.score or 0.0}


def plain_threshold(gold: np.ndarray, scores: np.ndarray, accepted: np.ndarray) -> dict[str, float]:
    """One sort of all pairs with their gold, and F1 at every cut."""
    order = np.argsort(-scores, axis=None)
    correct = np.cumsum(gold.ravel()[order])
    f1 = 2 * correct / (np.arange(1, order.size + 1) + correct[-1])
    return {"micro_f1": float(f1.max())}


def measured(work: Callable[..., dict[str, float]], case: Matrices, runs: int) -> tuple[float, float, dict[str, float]]:
    """(median seconds of processor time, peak MB beyond the matrices, figures), in a process of its own.

    Both sides use one thread, so that processor time is their time on an idle machine, and a busy one hurts less.
    """
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(_measured, (work, case, runs))


def _measured(
    work: Callable[..., dict[str, float]], case: Matrices, runs: int
) -> tuple[float, float, dict[str, float]]:
    warnings.simplefilter("ignore")
    work(*(matrix[:50, :50] for matrix in case))  # imports are not measured
    before = reset_peak()
    seconds, figures = [], {}
    for _ in range(runs):
        began = time.process_time()
        figures = work(*case)
        seconds.append(time.process_time() - began)
    return statistics.median(seconds), peak() - before, figures


def reset_peak() -> float:
    """Forgets the peak so far and returns the memory held, in MB; NaN where the system is not Linux."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return float("nan")
    return peak()


def peak() -> float:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return float("nan")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def compare(name: str, ours: Callable, plain: Callable, case: Matrices) -> None:
    our_time, our_memory, our_figures = measured(ours, case, 3)
    plain_time, plain_memory, plain_figures = measured(plain, case, 1)
    furthest = max(abs(our_figures[key] - value) for key, value in plain_figures.items())
    shape = f"{case[0].shape[0]:,} × {case[0].shape[1]:,}"
    print(
        f"{name:11}{shape:>15}{plain_time:>10.2f} s{our_time:>9.2f} s{plain_time / our_time:>8.1f} ×"
        f"{plain_memory:>10,.0f} MB{our_memory:>8,.0f} MB   {len(plain_figures)} figures within {furthest:.0e}"
    )


def main() -> None:
    quick = "--quick" in sys.argv
    print(f"{'':11}{'notes × codes':>15}{'plain':>12}{'ours':>11}{'quicker':>10}{'plain':>13}{'ours':>11}")
    test, validation = ((600, 2000), (300, 2000)) if quick else ((3372, 8922), (1631, 8922))
    compare("evaluation", coding_measures, plain_measures, data(*test))
    compare("threshold", our_threshold, plain_threshold, data(*validation, seed=1))


if __name__ == "__main__":
    main()
