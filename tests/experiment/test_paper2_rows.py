"""Each row of the second paper's tables is what its name says, holds the figures that are printed, and runs as such."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from icdcoder.experiment import published
from icdcoder.experiment.reproduce import reproduce

WRITES, ATTENDS, BOTH = {"attention_weight": 0}, {"generation_weight": 0}, {}
GENERATION, ATTENTION = {"answer": "generation", "decoding": "free"}, {"answer": "attention"}
MEASURES = ("macro_f1_of_macro_precision_recall", "micro_f1", "jaccard_macro", "jaccard_micro")
# Table 3: what departs from a model with both losses that reads the head of a note; what answers; the figures of
# T5-base and of LLaMA-7B.
TABLE_3: dict[str, tuple[dict[str, Any], str, dict[str, str], str, str]] = {
    "gen (base)": (WRITES, "head", GENERATION, "50.31 57.84 36.31 40.25", "45.24 52.53 29.95 35.62"),
    "att": (ATTENDS, "head", ATTENTION, "47.68 55.43 34.17 38.34", "39.43 51.32 26.87 34.52"),
    "cmp-gen": (BOTH, "head", GENERATION, "51.09 57.40 35.37 40.69", "47.05 53.44 32.06 36.47"),
    "cmp-att": (BOTH, "head", ATTENTION, "52.02 60.11 37.10 42.97", "39.02 51.55 25.79 34.73"),
    "injected code descriptions": (
        {**WRITES, "knowledge": "code_descriptions"},
        "head",
        GENERATION,
        "53.47 59.36 38.79 42.21",
        "39.31 46.34 25.11 30.16",
    ),
    "injected medical expressions": (
        {**WRITES, "knowledge": "medical_expressions"},
        "head",
        GENERATION,
        "55.11 60.94 39.82 43.82",
        "40.77 47.21 25.85 30.90",
    ),
    "sampled by section": (
        WRITES,
        "knowledge_sections",
        GENERATION,
        "55.27 59.28 39.17 41.22",
        "45.30 52.07 30.35 35.20",
    ),
    "sampled by section and paragraph": (
        WRITES,
        "knowledge",
        GENERATION,
        "55.15 61.10 40.00 43.99",
        "47.00 54.39 32.21 37.35",
    ),
}
# Table 2: baseline, proposed.
TABLE_2 = {
    "T5-base": "51.09 57.40 36.31 40.25 56.01 64.14 41.27 47.21",
    "ClinicalT5": "56.59 63.07 40.05 46.06 58.88 65.27 43.72 48.44",
    "LLaMA-7B": "45.24 52.53 29.95 35.62 47.86 54.84 32.73 37.84",
    "LLaMA-2-7B": "49.60 56.11 31.20 39.00 49.90 57.05 32.49 39.98",
    "PMC-LLaMA-7B": "45.45 52.30 30.73 35.41 47.47 53.70 32.63 36.70",
    "Alpaca-7B": "44.05 50.41 28.74 33.70 46.18 53.83 31.18 36.82",
    "MedAlpaca-7B": "43.76 50.87 28.92 34.11 46.21 52.29 31.74 35.40",
    "Vicuna-7B": "48.24 54.93 33.23 37.87 48.61 55.09 33.35 38.02",
}
OF_LORA = {"tuning": "lora", "lora_rank": 8, "lora_alpha": 16}
# How weights are held, which is no part of the method.
HELD = ("kind", "weights", "gradient_checkpointing")


def rows(name: str) -> dict[str, published.Row]:
    return {row.system: row for row in published.load(name).rows}


def method(row: published.Row) -> dict[str, Any]:
    return {key: value for key, value in row.model.items() if key not in HELD}


def figures(printed: str) -> dict[str, float]:
    return {name: pytest.approx(float(one) / 100) for name, one in zip(MEASURES, printed.split(), strict=True)}


@pytest.mark.parametrize(("model", "tuning", "column"), [("T5-base", {}, 3), ("LLaMA-7B", OF_LORA, 4)])
def test_the_ablations_change_what_they_are_named_after(model: str, tuning: dict[str, Any], column: int) -> None:
    found = {system.removeprefix(f"{model}, "): row for system, row in rows("paper2-table3").items() if model in system}
    assert list(found) == list(TABLE_3)
    for name, row in found.items():
        settings, sampler, decide, *_ = told = TABLE_3[name]
        assert method(row) == {**tuning, **settings}, name
        assert row.text.get("sampler", "head") == sampler, name
        assert row.decide == decide, name
        assert row.published == figures(str(told[column])), name


def test_the_proposed_framework_has_all_its_parts_and_the_baseline_none() -> None:
    found = rows("paper2-table2")
    assert list(found) == [f"{model}, {which}" for model in TABLE_2 for which in ("baseline", "proposed")]
    for model, printed in TABLE_2.items():
        baseline, proposed = found[f"{model}, baseline"], found[f"{model}, proposed"]
        tuning = OF_LORA if "7B" in model else {}
        injected = {} if "7B" in model else {"knowledge": "medical_expressions"}
        assert method(baseline) == {**tuning, **WRITES}
        assert method(proposed) == {**tuning, **injected}, "knowledge is injected into encoders alone"
        assert (baseline.text.get("sampler"), proposed.text["sampler"]) == (None, "knowledge")
        assert (baseline.decide, proposed.decide) == (GENERATION, {"decoding": "free"}), "validation notes choose λ"
        assert baseline.published == figures(" ".join(printed.split()[:4]))
        assert proposed.published == figures(" ".join(printed.split()[4:]))


def test_the_formats_and_the_ranks_are_all_there() -> None:
    formats = [(row.given["model.checkpoint"], row.model["answer_format"]) for row in rows("paper2-table1").values()]
    assert formats == [(f"the folder of {name}", n) for name in ("T5-base", "LLaMA-7B") for n in (1, 2, 3, 4)]
    tuned = [method(row) for row in rows("paper2-figure2").values()]
    ranks = [{"tuning": "lora", "lora_rank": r, "lora_alpha": 2 * r, **WRITES} for r in (4, 8, 32)]
    assert tuned == [WRITES, *ranks]
    for name in ("paper2-table1", "paper2-figure2"):
        assert all(row.decide == GENERATION for row in rows(name).values())


def test_cmp_gen_and_cmp_att_are_the_two_answers_of_one_training(tiny_models: Any, tmp_path: Path) -> None:
    checkpoint = tiny_models.save("t5", tmp_path / "t5", writes=True)
    small = ("corpus.documents=60", "corpus.codes=5", "text.max_tokens=80", "train.epochs=1", "model.attended=8")
    result = reproduce(
        "paper2-table3",
        corpus="synthetic",
        systems=["T5-base, cmp-gen", "T5-base, cmp-att"],
        seeds=[1],
        settings=(f"checkpoint.t5-base={checkpoint}", *small, "model.most_answer_tokens=8"),
        runs=tmp_path / "runs",
    )
    assert [one.reason for one in result.rows] == ["", ""]
    gen, att = (one.runs[0].metrics for one in result.rows)
    for measure in ("micro_f1", "jaccard_macro"):
        assert gen[measure] == gen[f"generation_{measure}"]
        assert att[measure] == att[f"attention_{measure}"]
    both = [{key: one[key] for key in one if key.startswith(("generation_", "attention_"))} for one in (gen, att)]
    assert both[0]["attention_micro_f1"] == both[1]["attention_micro_f1"], "of the same weights"
