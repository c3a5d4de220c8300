"""What fit-ranker refuses before it fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from icdcoder.cli.ranking import fit_and_measure
from icdcoder.core.errors import ConfigError


@pytest.mark.parametrize("folds", [0, 2])
def test_a_place_that_is_taken_is_refused_before_anything_is_fitted(
    tmp_path: Path, folds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("icdcoder.experiment.ranking.fit_ranker", lambda *_, **__: pytest.fail("it was fitted"))
    config = tmp_path / "few.toml"
    config.write_text('[corpus]\nkind = "synthetic"\ndocuments = 20\n')
    taken = tmp_path / "ranked" / "fold1"
    taken.mkdir(parents=True)
    ranker = {"habits": True, "dictionary": {"system": "icd9cm"}}
    with pytest.raises(ConfigError, match="exists already; --fresh"):
        fit_and_measure(str(config), (), ranker, str(tmp_path / "ranked"), folds, fresh=False)
