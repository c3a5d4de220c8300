"""Where scoring models are put."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from icdcoder.nn.placement import device_of, to_accelerator


def test_without_an_accelerator_a_model_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    model = nn.Linear(2, 2)
    assert to_accelerator(model) is model
    assert device_of(model) == torch.device("cpu")


def test_with_one_it_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("meta"))
    assert device_of(to_accelerator(nn.Linear(2, 2))) == torch.device("meta")


def test_what_has_no_weights_is_on_the_cpu() -> None:
    assert device_of(nn.Identity()) == torch.device("cpu")
    assert device_of(object()) == torch.device("cpu")
