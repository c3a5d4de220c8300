"""Recurrent layers that read each note to its own end."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class BidirectionalLSTM(nn.Module):
    """hidden: width of one direction; the states of both are put side by side. Zero on padding."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, hidden, batch_first=True, bidirectional=True)

    def forward(
        self, states: Float[Tensor, "note token inputs"], mask: Bool[Tensor, "note token"]
    ) -> Float[Tensor, "note token hidden"]:
        # A note without a token is read as one zero vector, which the mask takes out again.
        lengths = mask.sum(1).clamp(min=1).cpu()
        packed = pack_padded_sequence(states, lengths, batch_first=True, enforce_sorted=False)
        read, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=states.shape[1])
        return read * mask[:, :, None]
