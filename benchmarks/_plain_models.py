"""Models as their papers write them: padding is read as text, and "note code token" is held."""

from __future__ import annotations

from itertools import islice
from zlib import crc32

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.knowledge import synonyms


def real_codes(count: int) -> list[Code]:
    return list(islice(systems.load("icd9cm").codes(), count))


def word_numbers(text: str, words: int) -> npt.NDArray[np.int32]:
    """Of the words of a name, made up but for equal words being equal."""
    found = [2 + crc32(word.encode()) % (words - 2) for word in text.casefold().split()]
    return np.array(found or [1], dtype=np.int32)


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
    """From 100 filters to `width`; first: behind a convolution of 100."""

    def __init__(self, kernel: int, width: int = 50, first: bool = True) -> None:
        super().__init__()
        around = kernel // 2
        self.left = nn.Sequential(
            nn.Conv1d(100, width, kernel, padding=around, bias=False),
            nn.BatchNorm1d(width),
            nn.Tanh(),
            nn.Conv1d(width, width, kernel, padding=around, bias=False),
            nn.BatchNorm1d(width),
        )
        self.first = nn.Conv1d(100, 100, kernel, padding=around) if first else None
        self.shortcut = nn.Sequential(nn.Conv1d(100, width, 1, bias=False), nn.BatchNorm1d(width))
        self.dropout = nn.Dropout(0.2)

    def forward(self, words: Tensor) -> Tensor:
        states = words if self.first is None else torch.tanh(self.first(words))
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


class PlainDRCAML(PlainCAML):
    """With the descriptions of the gold codes as a regulariser, note by note."""

    def __init__(self, words: int, codes: int) -> None:
        super().__init__(words, codes)
        self.described = nn.Embedding(words, 100, padding_idx=0)
        self.description = nn.Conv1d(100, 50, 10, padding=5)
        self.to_weights = nn.Linear(50, 50)
        self.descriptions = torch.randint(2, words, (codes, 10))

    def penalty(self, targets: Tensor) -> Tensor:
        apart = []
        for row in targets:
            gold = row.nonzero().squeeze(1)
            read = torch.tanh(self.description(self.described(self.descriptions[gold]).transpose(1, 2))).amax(2)
            apart.append((self.output.final.weight[gold] - self.to_weights(read)).square().mean(1).sum())
        return 0.01 * torch.stack(apart).mean()


class PlainKGMultiResCNN(nn.Module):
    """Without the notes' entities, which are at most 30 beside 2,500 words."""

    def __init__(self, words: int, codes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, 100, padding_idx=0)
        self.filters = nn.ModuleList(
            nn.Sequential(PlainBlock(kernel, 100), PlainBlock(kernel, 50, first=False))
            for kernel in (3, 5, 7, 9, 13, 15, 17, 23, 29)
        )
        self.output = PlainOutput(codes, 450, 450)
        self.dropout = nn.Dropout(0.2)

    def forward(self, tokens: Tensor) -> Tensor:
        words = self.dropout(self.embedding(tokens)).transpose(1, 2)
        states = torch.cat([one(words) for one in self.filters], 1).transpose(1, 2)
        return self.output(states, states)


class PlainMSMN(nn.Module):
    """All synonyms of all codes read by one batch of the encoder, and two passes under dropout."""

    SYNONYMS = 4

    def __init__(self, words: int, codes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, 100, padding_idx=0)
        self.lstm = nn.LSTM(100, 128, 2, batch_first=True, bidirectional=True)
        self.reduction = nn.Linear(256, 512)
        self.keys = nn.Linear(512, 512)
        self.queries = nn.Linear(512, 512 // self.SYNONYMS)
        self.weights, self.bias = nn.Linear(512, 512), nn.Linear(512, 1)
        self.dropout = nn.Dropout(0.2)
        found = (known or ("",) for known in synonyms.of(real_codes(codes)))
        texts = [known[k % len(known)] for known in found for k in range(self.SYNONYMS)]
        numbers = [torch.from_numpy(word_numbers(text, words)[:30]).long() for text in texts]
        self.synonyms = nn.utils.rnn.pad_sequence(numbers, batch_first=True)
        self.lengths = torch.tensor([len(own) for own in numbers])

    def forward(self, tokens: Tensor) -> Tensor:
        return self.once(tokens)

    def once(self, tokens: Tensor) -> Tensor:
        spelt = self.dropout(self.embedding(self.synonyms))
        packed = pack_padded_sequence(spelt, self.lengths, batch_first=True, enforce_sorted=False)
        read, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        names = self.reduction(read).amax(1).unflatten(0, (-1, self.SYNONYMS))
        states = self.reduction(self.lstm(self.dropout(self.embedding(tokens)))[0])
        keys = torch.tanh(self.keys(states)).unflatten(2, (self.SYNONYMS, -1)).transpose(1, 2)
        attention = torch.softmax(self.queries(names).transpose(0, 1) @ keys.transpose(2, 3), 3)
        read = self.dropout((attention @ states[:, None]).amax(1))
        best = names.amax(1)
        return (read * self.weights(best)).sum(2) + self.bias(best).squeeze(1)


PLAIN = {
    "caml": PlainCAML,
    "dr_caml": PlainDRCAML,
    "multirescnn": PlainMultiResCNN,
    "kg_multirescnn": PlainKGMultiResCNN,
    "laat": PlainLAAT,
    "joint_laat": PlainJointLAAT,
    "transicd": PlainTransICD,
    "msmn": PlainMSMN,
}
