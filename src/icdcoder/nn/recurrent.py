"""A bidirectional LSTM that starts and ends where each note does."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class BidirectionalLSTM(nn.Module):
    """States of both directions side by side, 2 × hidden wide; exactly zero at padding.

    Padding stands on the right (the contract of Batch); the backward direction starts at each note's last real token.
    """

    def __init__(self, width: int, hidden: int, layers: int = 1) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, hidden, layers, batch_first=True, bidirectional=True)

    def forward(
        self, states: Float[Tensor, "note token width"], mask: Bool[Tensor, "note token"]
    ) -> Float[Tensor, "note token 2*{self.lstm.hidden_size}"]:
        # An LSTM cannot read nothing: a note without a real token reads one padding, which is then cleared.
        lengths = mask.sum(1).clamp(min=1).cpu()
        packed = pack_padded_sequence(states, lengths, batch_first=True, enforce_sorted=False)
        found, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=mask.shape[1])
        return found.masked_fill(~mask[..., None], 0.0)
