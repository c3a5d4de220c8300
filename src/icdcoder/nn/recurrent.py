"""A bidirectional LSTM that starts and ends where each note does."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from icdcoder.nn.word_embedding import WordEmbedding


def no_float16_on_cpu() -> AbstractContextManager[object]:
    """Around LSTMs: torch has none in float16 on a CPU. Autocast to it is left for them."""
    half = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.float16
    return torch.autocast("cpu", enabled=False) if half else nullcontext()


class BidirectionalLSTM(nn.Module):
    """States of both directions side by side, 2 × hidden wide; exactly zero at padding.

    Padding stands on the right (the contract of Batch); the backward direction starts at each note's last real token.

    On a CPU packed sequences are read step by step in small operations, 7 to 15 times slower than the fused kernel
    that whole tensors get. There, each direction reads whole tensors: the backward one reads every note reversed
    within its own length, so that for both the padding comes last and is never looked at.

    dropout: on what a layer passes to the next.
    """

    def __init__(self, width: int, hidden: int, layers: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        between = dropout if layers > 1 else 0.0
        self.lstm = nn.LSTM(width, hidden, layers, batch_first=True, bidirectional=True, dropout=between)

    def forward(
        self, states: Float[Tensor, "note token width"], mask: Bool[Tensor, "note token"]
    ) -> Float[Tensor, "note token 2*{self.lstm.hidden_size}"]:
        lengths = mask.sum(1)
        found = self._whole(states, lengths) if states.device.type == "cpu" else self._packed(states, lengths)
        return found if mask.all() else found.masked_fill(~mask[..., None], 0.0)

    def _whole(self, states: Tensor, lengths: Tensor) -> Tensor:
        place = torch.arange(states.shape[1], device=states.device)
        # Position t of a reversed note is position length - 1 - t; padding stays where it is.
        reverse = torch.where(place < lengths[:, None], lengths[:, None] - 1 - place, place)
        for layer in range(self.lstm.num_layers):
            if layer and self.lstm.dropout:
                states = nn.functional.dropout(states, self.lstm.dropout, self.training)
            forward = self._direction(states, f"l{layer}")
            backward = self._direction(_in_order(states, reverse), f"l{layer}_reverse")
            states = torch.cat([forward, _in_order(backward, reverse)], dim=2)
        return states

    def _direction(self, states: Tensor, name: str) -> Tensor:
        weights = [getattr(self.lstm, f"{kind}_{name}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        states = states.to(weights[0].dtype)
        start = states.new_zeros(1, states.shape[0], self.lstm.hidden_size)
        with no_float16_on_cpu():
            return torch.lstm(states, (start, start), weights, True, 1, 0.0, self.training, False, True)[0]

    def _packed(self, states: Tensor, lengths: Tensor) -> Tensor:
        # An LSTM cannot read nothing: a note without a real token reads one padding, which is cleared afterwards.
        packed = pack_padded_sequence(states, lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=states.shape[1])[0]


class WordEncoder(nn.Module):
    """Words through a bidirectional LSTM. hidden: width of the states, both directions together."""

    def __init__(self, words: WordEmbedding, embedding: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.words = words
        self.lstm = BidirectionalLSTM(embedding, hidden, layers)
        self.hidden = 2 * hidden

    def forward(
        self, tokens: Int[Tensor, "note token"], mask: Bool[Tensor, "note token"]
    ) -> Float[Tensor, "note token hidden"]:
        return self.lstm(self.words(tokens, mask), mask)


def _in_order(states: Tensor, order: Tensor) -> Tensor:
    return states.gather(1, order[:, :, None].expand(-1, -1, states.shape[2]))
