from __future__ import annotations

import torch
from torch import nn

from icdcoder.nn.remembered import Remembered


def test_it_computes_anew_when_weights_change_and_always_with_gradients() -> None:
    layer, calls = nn.Linear(2, 2), []

    def compute() -> torch.Tensor:
        calls.append(1)
        return layer.weight * 2

    remembered = Remembered()
    with torch.inference_mode():
        first = remembered(compute, layer.parameters())
        assert torch.equal(remembered(compute, layer.parameters()), first)
    assert len(calls) == 1
    torch.optim.SGD(layer.parameters(), 1.0).step()
    layer.load_state_dict({name: value + 1 for name, value in layer.state_dict().items()})
    with torch.inference_mode():
        assert torch.equal(remembered(compute, layer.parameters()), layer.weight * 2)
    assert remembered(compute, layer.parameters()).requires_grad
    assert remembered(compute, layer.parameters()).requires_grad
    assert len(calls) == 4
    with torch.no_grad():  # what was computed in inference mode cannot be used outside it
        assert not remembered(compute, layer.parameters()).is_inference()
