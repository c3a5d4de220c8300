"""Rows of several commands are one table."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from icdcoder.experiment import published
from icdcoder.experiment.reproduce import Reproduced, Reproduction
from icdcoder.experiment.reproduction_report import markdown, save
from icdcoder.experiment.sweep import Run

FIGURE = published.load("paper2-figure2")
BASE, FOUR, EIGHT, _ = FIGURE.rows


def result(*rows: Reproduced, corpus: str = "synthetic") -> Reproduction:
    return Reproduction("paper2-figure2", FIGURE, corpus, rows, {corpus: "notes"} if corpus else {})


def measured(row: published.Row, micro_f1: float, share: float) -> Reproduced:
    return Reproduced(row, (Run({"seed": "1"}, {"micro_f1": micro_f1, "trainable_share": share}, Path()),))


def replace_row(row: published.Row, **values: object) -> published.Row:
    return row.model_copy(update=values)


def test_rows_of_earlier_calls_are_kept_in_the_order_of_the_table(tmp_path: Path) -> None:
    save(result(measured(EIGHT, 0.5, 0.0032)), tmp_path)
    save(result(measured(BASE, 0.6, 1.0), Reproduced(EIGHT, reason="needs a checkpoint")), tmp_path)
    rows = json.loads((tmp_path / "table.json").read_text())["rows"]
    assert [row["system"] for row in rows] == [BASE.system, EIGHT.system]
    assert [row["measured"][0]["metrics"]["micro_f1"] for row in rows] == [0.6, 0.5]
    text = (tmp_path / "table.md").read_text()
    assert f"| {EIGHT.system} | 1 | 0.500 |" in text
    assert "not run" not in text
    save(result(measured(EIGHT, 0.7, 0.0032)), tmp_path)
    rows = json.loads((tmp_path / "table.json").read_text())["rows"]
    assert [row["measured"][0]["metrics"]["micro_f1"] for row in rows] == [0.6, 0.7]


def test_rows_of_calls_with_other_settings_say_so(tmp_path: Path) -> None:
    save(result(replace(measured(EIGHT, 0.5, 0.0032), settings=("train.epochs=1",))), tmp_path)
    save(result(measured(BASE, 0.6, 1.0)), tmp_path)
    text = (tmp_path / "table.md").read_text()
    assert f"- with train.epochs=1: {EIGHT.system}\n" in text
    assert BASE.system not in text.partition("- with")[2]


def test_a_row_that_never_ran_says_why_until_it_does(tmp_path: Path) -> None:
    save(result(Reproduced(FOUR, reason="needs a checkpoint")), tmp_path)
    save(result(measured(BASE, 0.6, 1.0)), tmp_path)
    assert f"- {FOUR.system}: not run, needs a checkpoint" in (tmp_path / "table.md").read_text()
    save(result(measured(FOUR, 0.4, 0.0016)), tmp_path)
    assert "not run" not in (tmp_path / "table.md").read_text()


def test_a_difference_has_the_spread_of_its_runs() -> None:
    row = replace_row(BASE, published={"micro_f1": 0.5}, source="a survey")
    three = tuple(Run({"seed": str(k)}, {"micro_f1": value}, Path()) for k, value in enumerate((0.5, 0.6, 0.7)))
    own = Reproduction("paper2-figure2", FIGURE, "", (Reproduced(row, three),), {row.set: "notes"})
    text = markdown(own)
    # The half-width of the mean of .5, .6 and .7: t(.975, 2) = 4.303 times .1 / √3.
    assert "|  |  | difference | +0.100 ± 0.248 |" in text
    assert f"- published figures of {BASE.system} (mimic3-50): a survey\n" in text


def test_systems_that_lack_the_same_are_one_line() -> None:
    text = markdown(result(Reproduced(FOUR, reason="needs a disk"), Reproduced(EIGHT, reason="needs a disk")))
    assert f"- {FOUR.system}, {EIGHT.system}: not run, needs a disk\n" in text


def test_titles_of_earlier_rows_are_kept_on_the_published_data(tmp_path: Path) -> None:
    save(result(measured(EIGHT, 0.5, 0.0032), corpus=""), tmp_path)
    save(result(measured(BASE, 0.6, 1.0), corpus=""), tmp_path)
    text = (tmp_path / "table.md").read_text()
    assert f"## {published.data_set('mimic3-50').title}" in text
    assert text.index(BASE.system) < text.index(EIGHT.system)


def test_the_share_of_trained_weights_is_a_column_where_it_differs() -> None:
    text = markdown(result(measured(BASE, 0.6, 1.0), measured(EIGHT, 0.5, 0.0032)))
    assert "| trainable_share |" in text
    assert "| 100.00% |" in text
    assert "| 0.32% |" in text
    assert "trainable_share |" not in markdown(result(measured(BASE, 0.6, 1.0)))


def test_quality_against_the_share_of_trained_weights_is_drawn(tmp_path: Path) -> None:
    save(result(measured(BASE, 0.6, 1.0)), tmp_path)
    assert not list(tmp_path.glob("*.svg")), "all systems trained all weights"
    save(result(measured(FOUR, 0.3, 0.0016), measured(EIGHT, 0.5, 0.0032)), tmp_path)
    root = ElementTree.parse(tmp_path / "trained_shares_synthetic.svg").getroot()
    points = root.findall("{*}circle")
    assert [one.findtext("{*}title") for one in points] == [
        f"{FOUR.system}: 0.300 at 0.16%",
        f"{EIGHT.system}: 0.500 at 0.32%",
        f"{BASE.system}: 0.600 at 100.00%",
    ]
    across, down = ([float(one.get(axis, "")) for one in points] for axis in ("cx", "cy"))
    assert across == sorted(across)
    assert down == sorted(down, reverse=True)
    assert across[1] - across[0] == pytest.approx(math.log10(2) / 3 * (560 - 56 - 16), abs=0.2)


def test_a_damaged_table_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "table.json").write_text("{")
    save(result(measured(BASE, 0.6, 1.0)), tmp_path)
    assert len(json.loads((tmp_path / "table.json").read_text())["rows"]) == 1
