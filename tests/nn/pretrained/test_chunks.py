from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from icdcoder.nn.pretrained.chunks import cut

LENGTHS = st.lists(st.integers(0, 40), min_size=1, max_size=5)
SIZES = st.integers(1, 12).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1)))


def mask_of(lengths: list[int], more: int = 0) -> Tensor:
    return torch.arange(max(1, *lengths) + more) < torch.tensor(lengths)[:, None]


def numbered(mask: Tensor) -> Tensor:
    """Another number at each place of each note."""
    return torch.arange(mask.numel()).view_as(mask) + 1


@given(LENGTHS, SIZES, st.integers(0, 9))
def test_each_state_comes_back_to_its_token(lengths: list[int], sizes: tuple[int, int], more: int) -> None:
    mask = mask_of(lengths, more)
    tokens = numbered(mask)
    chunks = cut(mask, *sizes)
    states = chunks.gather(tokens)[..., None].float()
    assert torch.equal(chunks.restore(states)[..., 0].long(), tokens * mask)


@given(LENGTHS, SIZES)
def test_chunks_are_cut_as_said(lengths: list[int], sizes: tuple[int, int]) -> None:
    size, overlap = sizes
    chunks = cut(mask_of(lengths), size, overlap)
    expected = []
    for note, length in enumerate(lengths):
        start = 0
        while start < length:
            expected.append((note, list(range(start, min(start + size, length)))))
            if start + size >= length:
                break
            start += size - overlap
    found = [
        (int(note), place[real].tolist())
        for note, place, real in zip(chunks.note, chunks.place, chunks.mask, strict=True)
    ]
    assert found == expected
    assert chunks.per_note.tolist() == [sum(note == i for note, _ in expected) for i in range(len(lengths))]


@given(LENGTHS, SIZES)
def test_a_token_is_read_as_far_from_an_edge_as_can_be(lengths: list[int], sizes: tuple[int, int]) -> None:
    size, overlap = sizes
    mask = mask_of(lengths)
    chunks = cut(mask, size, overlap)
    width = chunks.place.shape[1]
    for note, length in enumerate(lengths):
        for token in range(length):
            at = int(chunks.source[note, token]) % width
            if token >= overlap // 2 and length - token > overlap:
                assert at >= overlap // 2
            number = int(chunks.source[note, token]) // width
            assert int(chunks.note[number]) == note


def test_the_other_notes_and_the_padding_move_no_chunk() -> None:
    together, alone = cut(mask_of([30, 7, 19], more=6), 8, 3), cut(mask_of([19]), 8, 3)
    ours = together.note == 2
    assert torch.equal(together.place[ours] * together.mask[ours], alone.place * alone.mask)


def test_without_a_size_a_note_is_one_chunk() -> None:
    chunks = cut(mask_of([3, 0, 5]))
    assert chunks.note.tolist() == [0, 2]
    assert chunks.mask.sum(1).tolist() == [3, 5]


def test_notes_without_tokens_have_zeros() -> None:
    chunks = cut(mask_of([0, 0]), 4)
    assert len(chunks) == 0
    restored = chunks.restore(torch.zeros(0, chunks.place.shape[1], 6))
    assert restored.shape == (2, 1, 6)
    assert not restored.any()


def test_chunks_may_be_full_and_more_than_a_note_needs() -> None:
    chunks = cut(mask_of([5, 0, 3]), 4, least=2, full=True)
    assert chunks.note.tolist() == [0, 0, 1, 1, 2, 2]
    assert chunks.mask.sum(1).tolist() == [4, 1, 0, 0, 3, 0]
    assert cut(mask_of([3]), 4, full=True).place.shape == (1, 4)


@given(LENGTHS, SIZES)
def test_what_is_laid_out_comes_back_to_its_tokens(lengths: list[int], sizes: tuple[int, int]) -> None:
    mask = mask_of(lengths)
    tokens = numbered(mask)
    chunks = cut(mask, *sizes, least=1)
    laid, places = chunks.laid_out(chunks.gather(tokens)[..., None].float())
    assert places.sum(1).tolist() == [int(chunks.mask[chunks.note == i].sum()) for i in range(len(lengths))]
    assert torch.equal(chunks.of_tokens(laid.transpose(1, 2))[:, 0].long(), tokens * mask)


@pytest.mark.parametrize(("size", "overlap"), [(4, 4), (4, -1), (0, 0)])
def test_chunks_that_cannot_be_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="cannot overlap"):
        cut(mask_of([9]), size, overlap)
