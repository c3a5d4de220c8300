from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from icdcoder.core.errors import InputError
from icdcoder.nn.batching import TokenisedNotes
from icdcoder.nn.contract import Batch, Scores
from icdcoder.nn.scoring import probabilities, scoring_mode

CODES = 3


class Counting(nn.Module):
    """Logit c is the share of token c + 2 in the note; remembers what it was called with."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.dropout = nn.Dropout(0.9)
        self.frozen = nn.BatchNorm1d(1).eval()
        self.dtype = dtype
        self.calls: list[tuple[tuple[int, ...], bool, bool]] = []

    def forward(self, batch: Batch, *, attention_codes: Tensor | None = None) -> Scores:
        self.calls.append((tuple(batch.tokens.shape), self.training, torch.is_inference_mode_enabled()))
        assert batch.targets is None
        counts = torch.stack([((batch.tokens == c + 2) & batch.mask).sum(1) for c in range(CODES)], dim=1)
        share = counts / batch.mask.sum(1, keepdim=True).clamp(min=1)
        return Scores(self.dropout(share * self.weight).to(self.dtype))


def some_notes(count: int = 23) -> TokenisedNotes:
    rng = np.random.default_rng(1)
    rows = [rng.integers(2, 6, size=rng.integers(0, 20)).astype(np.int32) for _ in range(count)]
    return TokenisedNotes(rows, codes=CODES, gold=[np.array([0], dtype=np.int32)] * count)


def expected(notes: TokenisedNotes) -> np.ndarray:
    shares = [[(row == c + 2).sum() / max(1, len(row)) for c in range(CODES)] for row in notes.tokens]
    return 1 / (1 + np.exp(-np.array(shares)))


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_rows_are_in_the_order_of_the_notes(batch_size: int) -> None:
    notes = some_notes()
    matrix = probabilities(Counting(), notes, batch_size)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix, expected(notes), rtol=1e-6)


def test_the_longest_notes_come_first_without_dropout_and_gradients() -> None:
    model = Counting()
    probabilities(model, some_notes(), 4)
    widths = [shape[1] for shape, _, _ in model.calls]
    assert widths == sorted(widths, reverse=True)
    assert all(not training and inference for _, training, inference in model.calls)


@pytest.mark.parametrize("training", [True, False])
def test_every_submodule_is_left_in_the_mode_it_was_in(training: bool) -> None:
    model = Counting()
    model.dropout.train(training)
    probabilities(model, some_notes(), 4)
    assert (model.training, model.dropout.training, model.frozen.training) == (True, training, False)
    with pytest.raises(RuntimeError, match="halfway"), scoring_mode(model):
        raise RuntimeError("halfway")
    assert (model.training, model.dropout.training, model.frozen.training) == (True, training, False)


def test_no_notes_give_no_rows() -> None:
    assert probabilities(Counting(), TokenisedNotes([], codes=CODES), 4).shape == (0, CODES)


def test_half_precision_logits_give_float32_probabilities() -> None:
    notes = some_notes()
    matrix = probabilities(Counting(torch.bfloat16), notes, 4)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix, expected(notes), atol=1e-2)


def test_another_number_of_codes_is_refused() -> None:
    with pytest.raises(InputError, match="scores 3 codes, the label space has 1"):
        probabilities(Counting(), TokenisedNotes([np.array([2], dtype=np.int32)], codes=1), 4)


def test_progress_counts_every_note() -> None:
    class Bar:
        done = 0

        @contextmanager
        def track(self, what: str, total: int | None = None) -> Iterator[object]:
            assert (what, total) == ("score", 23)

            def step(done: int = 1, note: str = "") -> None:
                self.done += done

            yield step

    bar = Bar()
    probabilities(Counting(), some_notes(), 5, progress=bar)  # type: ignore[arg-type]
    assert bar.done == 23


def test_without_a_distributed_run_sharing_changes_nothing() -> None:
    notes = some_notes()
    alone = probabilities(Counting(), notes, 4)
    np.testing.assert_array_equal(alone, probabilities(Counting(), notes, 4, across_processes=True))
