from __future__ import annotations

import pytest
import torch

from icdcoder.nn.recurrent import BidirectionalLSTM


def batch(lengths: list[int], width: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    mask = torch.arange(max(*lengths, 1)) < torch.tensor(lengths)[:, None]
    return torch.randn(*mask.shape, width), mask


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("lengths", [[7, 3, 1], [4], [6, 0, 2]])
def test_whole_tensors_read_as_packed_sequences_do(layers: int, lengths: list[int]) -> None:
    torch.manual_seed(0)
    reader = BidirectionalLSTM(5, 4, layers)
    states, mask = batch(lengths)
    clear = ~mask[..., None]
    whole = reader._whole(states, mask.sum(1)).masked_fill(clear, 0)
    packed = reader._packed(states, mask.sum(1)).masked_fill(clear, 0)
    torch.testing.assert_close(whole, packed, atol=1e-6, rtol=1e-6)


def test_gradients_are_the_same_too() -> None:
    torch.manual_seed(0)
    reader = BidirectionalLSTM(5, 4)
    states, mask = batch([7, 3, 1])
    found = []
    for read in (reader._whole, reader._packed):
        reader.zero_grad()
        given = states.clone().requires_grad_()
        (read(given, mask.sum(1)) * mask[..., None]).square().sum().backward()
        found.append([given.grad, *(p.grad.clone() for p in reader.parameters())])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_padding_is_zero_and_changes_nothing() -> None:
    torch.manual_seed(0)
    reader = BidirectionalLSTM(5, 4).eval()
    states, mask = batch([7, 3])
    read = reader(states, mask)
    assert torch.equal(read[1, 3:], torch.zeros(4, 8))
    alone = reader(states[1:, :3], mask[1:, :3])
    torch.testing.assert_close(read[1:, :3], alone, atol=1e-6, rtol=1e-6)
    other = states.clone()
    other[1, 3:] = 99.0
    torch.testing.assert_close(reader(other, mask), read)


@pytest.mark.parametrize("layers", [1, 2])
def test_dropout_lies_between_the_layers_and_ends_with_training(layers: int) -> None:
    torch.manual_seed(0)
    reader, plain = BidirectionalLSTM(5, 4, layers, dropout=0.5), BidirectionalLSTM(5, 4, layers)
    plain.load_state_dict(reader.state_dict())
    states, mask = batch([7, 3])
    expected = plain(states, mask)
    assert torch.equal(reader(states, mask), expected) == (layers == 1)
    assert torch.equal(reader.eval()(states, mask), expected)
