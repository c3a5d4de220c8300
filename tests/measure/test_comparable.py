from __future__ import annotations

from pathlib import Path

import pytest

from icdcoder.core.errors import ConfigError
from icdcoder.experiment.sweep import sweep_over
from icdcoder.measure.comparable import refuse_mixed_labels


def test_two_label_loaders_on_one_data_set_are_refused() -> None:
    caml = {"name": "MIMIC-III full", "labels": "caml"}
    with pytest.raises(ConfigError, match="on MIMIC-III cannot be compared: .* 'caml', others 'correct'"):
        refuse_mixed_labels([caml, {"name": "MIMIC-III top50", "labels": "correct"}])
    with pytest.raises(ConfigError, match="on mimic3"):
        refuse_mixed_labels([{"kind": "mimic3", "labels": "correct"}, {"kind": "mimic3", "labels": "caml"}])


def test_other_data_sets_do_not_matter() -> None:
    refuse_mixed_labels(
        [
            {"name": "MIMIC-III full", "labels": "caml"},
            {"name": "MIMIC-III top50", "labels": "caml"},
            {"name": "MIMIC-IV ICD10", "labels": "correct"},
            {"kind": "cmc2007"},
            {},
        ]
    )


def test_a_sweep_over_label_loaders_is_refused_before_anything_runs(tmp_path: Path) -> None:
    base = {
        "name": "x",
        "runs": str(tmp_path),
        "corpus": {"kind": "mimic3", "root": "none", "variant": "full"},
        "model": {"kind": "caml"},
    }
    with pytest.raises(ConfigError, match="cannot be compared"):
        sweep_over(base, ["corpus.labels=caml,correct"])
    assert not list(tmp_path.iterdir())
