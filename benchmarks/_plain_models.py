"""Models as their papers write them: padding is read as text, and "note code token" is held."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class PlainOutput(nn.Module):
    def __init__(self, codes: int, attended: int, hidden: int) -> None:
        super().__init__()
        self.queries = nn.Linear(attended, codes, bias=False)
        self.final = nn.Linear(hidden, codes)

    def forward(self, keys: Tensor, values: Tensor) -> Tensor:
        attention = torch.softmax(self.queries.weight.matmul(keys.transpose(1, 2)), dim=2)
        return self.final.weight.mul(attention.matmul(values)).sum(dim=2).add(self.final.bias)


class PlainCAML(nn.Module):
    def __init__(self, words: int, codes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, 100, padding_idx=0)
        self.convolution = nn.Conv1d(100, 50, 10, padding=5)
        self.output = PlainOutput(codes, 50, 50)
        self.dropout = nn.Dropout(0.2)

    def forward(self, tokens: Tensor) -> Tensor:
        words = self.dropout(self.embedding(tokens)).transpose(1, 2)
        states = torch.tanh(self.convolution(words).transpose(1, 2))
        return self.output(states, states)


class PlainBlock(nn.Module):
    def __init__(self, kernel: int) -> None:
        super().__init__()
        around = kernel // 2
        self.left = nn.Sequential(
            nn.Conv1d(100, 50, kernel, padding=around, bias=False),
            nn.BatchNorm1d(50),
            nn.Tanh(),
            nn.Conv1d(50, 50, kernel, padding=around, bias=False),
            nn.BatchNorm1d(50),
        )
        self.first = nn.Conv1d(100, 100, kernel, padding=around)
        self.shortcut = nn.Sequential(nn.Conv1d(100, 50, 1, bias=False), nn.BatchNorm1d(50))
        self.dropout = nn.Dropout(0.2)

    def forward(self, words: Tensor) -> Tensor:
        states = torch.tanh(self.first(words))
        return self.dropout(torch.tanh(self.left(states) + self.shortcut(states)))


class PlainMultiResCNN(nn.Module):
    def __init__(self, words: int, codes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, 100, padding_idx=0)
        self.filters = nn.ModuleList(PlainBlock(kernel) for kernel in (3, 5, 9, 15, 19, 25))
        self.output = PlainOutput(codes, 300, 300)
        self.dropout = nn.Dropout(0.2)

    def forward(self, tokens: Tensor) -> Tensor:
        words = self.dropout(self.embedding(tokens)).transpose(1, 2)
        states = torch.cat([one(words) for one in self.filters], 1).transpose(1, 2)
        return self.output(states, states)


class PlainLAAT(nn.Module):
    def __init__(self, words: int, codes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, 100, padding_idx=0)
        self.lstm = nn.LSTM(100, 512, batch_first=True, bidirectional=True)
        self.projection = nn.Linear(1024, 512, bias=False)
        self.output = PlainOutput(codes, 512, 1024)
        self.dropout = nn.Dropout(0.3)

    def forward(self, tokens: Tensor) -> Tensor:
        words = self.dropout(self.embedding(tokens))
        lengths = (tokens != 0).sum(1)
        packed = pack_padded_sequence(words, lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.output(torch.tanh(self.projection(states)), states)


class PlainJointLAAT(nn.Module):
    def __init__(self, words: int, codes: int) -> None:
        super().__init__()
        categories = -(-codes // 10)
        self.embedding = nn.Embedding(words, 100, padding_idx=0)
        self.lstm = nn.LSTM(100, 512, batch_first=True, bidirectional=True)
        self.keys = nn.ModuleList(nn.Linear(1024, 512, bias=False) for _ in range(2))
        self.categories = PlainOutput(categories, 512, 1024)
        self.projection = nn.Linear(categories, 128, bias=False)
        self.queries = nn.Linear(512, codes, bias=False)
        self.final = nn.Linear(1024 + 128, codes)
        self.dropout = nn.Dropout(0.3)

    def forward(self, tokens: Tensor) -> Tensor:
        lengths = (tokens != 0).sum(1)
        words = self.dropout(self.embedding(tokens))
        packed = pack_padded_sequence(words, lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        first = self.categories(torch.tanh(self.keys[0](states)), states)
        told = torch.sigmoid(self.projection(torch.sigmoid(first)))
        keys = torch.tanh(self.keys[1](states))
        read = torch.softmax(self.queries.weight.matmul(keys.transpose(1, 2)), dim=2).matmul(states)
        read = torch.cat([read, told[:, None].expand(-1, read.shape[1], -1)], 2)
        return self.final.weight.mul(read).sum(dim=2).add(self.final.bias)


class PlainTransICD(nn.Module):
    def __init__(self, words: int, codes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, 128, padding_idx=0)
        layer = nn.TransformerEncoderLayer(128, 8, 512, 0.1, batch_first=True)
        self.transformer = nn.TransformerEncoder(layer, 2)
        self.keys = nn.Linear(128, 256)
        self.output = PlainOutput(codes, 256, 128)

    def forward(self, tokens: Tensor) -> Tensor:
        states = self.transformer(self.embedding(tokens) * 128**0.5, src_key_padding_mask=tokens == 0)
        return self.output(torch.tanh(self.keys(states)), states)


PLAIN = {
    "caml": PlainCAML,
    "multirescnn": PlainMultiResCNN,
    "laat": PlainLAAT,
    "joint_laat": PlainJointLAAT,
    "transicd": PlainTransICD,
}
