"""Any coder on the test part of any corpus, as `icdcoder evaluate --coder` measures it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from icdcoder.coder import Coder
from icdcoder.core.errors import ConfigError
from icdcoder.experiment import measuring
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.measuring import measure_coder
from icdcoder.experiment.prepared import Prepared


@pytest.mark.parametrize(("trained", "measured"), [("caml", "correct"), ("correct", "caml")])
def test_a_coder_is_not_measured_against_codes_of_another_loader(
    done: Experiment, monkeypatch: pytest.MonkeyPatch, trained: str, measured: str
) -> None:
    prepared, coder = Prepared.load(done.prepared), Coder.load(done.coder)
    corpus = {"name": f"MIMIC-III full, labels {measured}", "labels": measured}
    monkeypatch.setattr(measuring, "require_prepared", lambda _: replace(prepared, card={"corpus": corpus}))
    own = {"name": f"MIMIC-III top50, labels {trained}", "labels": trained}
    with pytest.raises(ConfigError, match=f"labels = '{trained}', others '{measured}'"):
        measure_coder(done, replace(coder, card={**(coder.card or {}), "trained_on": own}))
    alike = replace(coder, card={**(coder.card or {}), "trained_on": {**own, "labels": measured}})
    assert measure_coder(done, alike)[0]["notes"] > 0
    assert measure_coder(done, replace(coder, card=None))[0]["notes"] > 0
