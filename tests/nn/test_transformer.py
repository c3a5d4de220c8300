from __future__ import annotations

import pytest
import torch
from torch import nn

from icdcoder.nn.transformer import transformed


@pytest.mark.parametrize("training", [True, False])
def test_it_computes_what_torchs_encoder_does(training: bool) -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(12, 3, 20, 0.0, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).train(training)
    states, mask = torch.randn(2, 9, 12), torch.arange(9) < torch.tensor([[9], [6]])
    found = []
    for read in (transformed(encoder, states, mask), encoder(states, src_key_padding_mask=~mask)):
        encoder.zero_grad()
        read[mask].square().sum().backward()
        found.append([read[mask], *(p.grad.clone() for p in encoder.parameters())])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_dropout_acts_in_training_only_and_padding_has_no_influence() -> None:
    torch.manual_seed(0)
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.5, batch_first=True), 1)
    states, mask = torch.randn(2, 7, 8), torch.arange(7) < torch.tensor([[7], [3]])
    one, other = (transformed(encoder, states, mask) for _ in range(2))
    assert not torch.equal(one, other)
    encoder.eval()
    changed = states.masked_fill(~mask[..., None], 9.0)
    torch.testing.assert_close(transformed(encoder, states, mask)[mask], transformed(encoder, changed, mask)[mask])
    assert torch.isfinite(transformed(encoder, states, torch.zeros_like(mask))).all()
