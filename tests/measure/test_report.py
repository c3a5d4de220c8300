from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from icdcoder.core.code import Code
from icdcoder.core.errors import ArtefactError, InputError
from icdcoder.core.label_space import LabelSpace
from icdcoder.measure.coding import coding_measures
from icdcoder.measure.concept_leak import OnShare
from icdcoder.measure.page import meaning
from icdcoder.measure.plausibility import plausibility
from icdcoder.measure.report import Report

SPACE = LabelSpace(Code("icd10cm", f"A{i:02}") for i in range(12))
FILES = {"metrics.json", "report.md", "per_code.csv", "frequency.svg", "reliability.svg"}


def matrices(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    gold = rng.random((40, 12)) < 0.2
    return gold, np.clip(gold * 0.4 + rng.random(gold.shape) * 0.6, 0, 1).astype(np.float32)


def report(**changes: object) -> Report:
    gold, probabilities = matrices()
    settings: dict = {
        "gold": gold,
        "probabilities": probabilities,
        "threshold": 0.5,
        "space": SPACE,
        "training_counts": np.array([0, 1, 2, 3, 8, 9, 50, 51, 90, 7, 7, 7]),
        "descriptions": {"icd10cm:A00": 'Cholera, "classical" | due to <Vibrio>'},
        "about": {"name": "tiny", "corpus": {"kind": "synthetic"}, "split": "test", "threshold": {"value": 0.5}},
        "evidence": {"evidence_codes": 4.0, "evidence_overlap_share": 0.75},
    }
    return Report.of(**{**settings, **changes})


def test_a_saved_report_loads_as_it_was(tmp_path: Path) -> None:
    made = report()
    made.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == FILES
    assert Report.load(tmp_path) == made
    assert Report.load(str(tmp_path)) == made


def test_how_many_concepts_are_on_is_kept_and_drawn(tmp_path: Path) -> None:
    shares = tuple(OnShare(i, gold, 10 * gold) for i, gold in enumerate((4, 0, 1, 0, 0, 0, 2, 3)))
    made = replace(report(), concepts_on=shares)
    made.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*FILES, "concepts_on.svg"}
    assert Report.load(tmp_path) == made
    assert "| 7/7 | 3 | 0.3000 | 30 | 0.3000 |" in (tmp_path / "report.md").read_text(encoding="utf-8")
    bars = ElementTree.parse(tmp_path / "concepts_on.svg").getroot()
    shown = [text.text for text in bars.iter("{http://www.w3.org/2000/svg}text")]
    assert {"0/7", "7/7", "0.40", "gold pairs", "other pairs"} <= set(shown)


def test_the_figures_are_those_of_the_matrices() -> None:
    gold, probabilities = matrices()
    made = report()
    for name, value in coding_measures(gold, probabilities, probabilities > 0.5).items():
        assert made.metrics[name] == value
    low, high = made.intervals["micro_f1"]
    assert low < made.metrics["micro_f1"] < high
    assert made.metrics["evidence_overlap_share"] == 0.75
    assert [row.gold for row in made.codes] == gold.sum(0).tolist()
    assert made.about["label space"] == SPACE.digest


def test_the_table_of_codes_can_be_read_by_others(tmp_path: Path) -> None:
    report().save(tmp_path)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "per_code.csv").read_text(encoding="utf-8"))))
    assert [row["code"] for row in rows] == [str(code) for code in SPACE]
    assert rows[0]["description"] == 'Cholera, "classical" | due to <Vibrio>'
    for row in rows:
        expected = 2 * int(row["correct"]) / max(1, int(row["gold"]) + int(row["accepted"]))
        assert float(row["f1"]) == pytest.approx(expected, abs=5e-5)


def test_every_measure_is_explained_on_the_page(tmp_path: Path) -> None:
    made = report(outside=3, evidence=None)
    assert all(meaning(name) for name in made.metrics)
    assert meaning("precision_at_8") == "share of gold among the 8 best codes of a note, mean over notes"
    assert all(meaning(name) for name in plausibility([]))
    made.save(tmp_path)
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert page.startswith("# Report of tiny\n")
    for name, value in made.metrics.items():
        line = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        assert meaning(name) in line
        assert float(line.split("|")[2].split()[0].replace(",", "")) == pytest.approx(value, abs=5e-5)
    assert "| corpus.kind | synthetic |" in page
    tables = [line for line in page.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)


def test_the_plots_are_drawings_of_the_figures(tmp_path: Path) -> None:
    made = report()
    made.save(tmp_path)
    space = "{http://www.w3.org/2000/svg}"
    bars = ElementTree.parse(tmp_path / "frequency.svg").getroot()
    shown = [text.text or "" for text in bars.iter(f"{space}text")]
    assert {band.label for band in made.bands} <= set(shown)
    present = [band for band in made.bands if band.codes_present]
    assert len(present) == 5
    for band in present:
        assert f"{float(band.micro.f1):.2f}" in shown
    dots = ElementTree.parse(tmp_path / "reliability.svg").getroot()
    assert len(list(dots.iter(f"{space}circle"))) == sum(b.pairs > 0 for b in made.bins)
    for root in (bars, dots):
        assert not [node for node in root.iter() if any("href" in key for key in node.attrib)]


def test_codes_outside_the_space_are_misses() -> None:
    inside, outside = report(), report(outside=20)
    assert "micro_f1_with_outside" not in inside.metrics
    gold, correct = inside.metrics["gold_pairs"], inside.metrics["correct_pairs"]
    assert outside.metrics["micro_recall_with_outside"] == pytest.approx(correct / (gold + 20))
    assert outside.metrics["micro_f1_with_outside"] < outside.metrics["micro_f1"] == inside.metrics["micro_f1"]


@pytest.mark.parametrize(
    ("threshold", "warning"),
    [(1.0, "No code was accepted for any note"), (-0.1, "Every code was accepted for every note")],
)
def test_a_collapse_is_said_first(threshold: float, warning: str, tmp_path: Path) -> None:
    made = report(threshold=threshold)
    assert made.warnings[0].startswith(warning)
    made.save(tmp_path)
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert page.index(warning) < page.index("## Measures")
    assert Report.load(tmp_path) == made


def test_the_same_answer_for_every_note_and_notes_without_gold_are_said() -> None:
    gold, _ = matrices()
    gold[3] = False
    warnings = report(gold=gold, probabilities=np.tile(np.linspace(0, 1, 12), (40, 1))).warnings
    assert any(w.startswith("The same codes were accepted for every note") for w in warnings)
    assert any("notes have no gold code" in w for w in warnings)
    assert any("were never accepted" in w for w in warnings)


def test_the_summary_shows_the_headline_figures() -> None:
    from rich.console import Console

    console = Console(width=160, record=True, file=io.StringIO())
    console.print(report(threshold=1.0).summary())
    text = console.export_text()
    for name in ("micro_f1", "macro_f1_mean_of_codes", "macro_f1_of_macro_precision_recall", "precision_at_8"):
        assert name in text
    assert "! No code was accepted" in text


def test_another_space_is_refused() -> None:
    with pytest.raises(InputError, match="12 codes, the label space 11"):
        report(space=LabelSpace(SPACE.codes[:-1]))


@pytest.mark.parametrize("name", sorted(FILES - {"metrics.json"}))
def test_a_missing_or_changed_file_is_named(tmp_path: Path, name: str) -> None:
    report().save(tmp_path)
    body = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(body.replace(b"0", b"1", 1))
    with pytest.raises(ArtefactError, match=f"{name} is damaged"):
        Report.load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ArtefactError, match=f"{name} is missing"):
        Report.load(tmp_path)


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="not a report folder"):
        Report.load(tmp_path)
    report().save(tmp_path)
    card = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    for change, message in (({"format": 9}, "format 9"), ({"bands": [{"low": 1}]}, "not a report")):
        (tmp_path / "metrics.json").write_text(json.dumps({**card, **change}), encoding="utf-8")
        with pytest.raises(ArtefactError, match=message):
            Report.load(tmp_path)
