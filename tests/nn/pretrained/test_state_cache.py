"""The cache of frozen states: what goes in comes out, what was finished is kept, and the disk is not filled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.nn.pretrained import state_cache
from icdcoder.nn.pretrained.state_cache import StateCache, note_key

LAYERS, HIDDEN = 2, 6


def opened(folder: Path, kept_as: Any = "float32", **changes: Any) -> StateCache:
    sizes = {"layers": LAYERS, "hidden": HIDDEN, **changes}
    return StateCache.open(folder, "key", kept_as=kept_as, made_by={"model": "none"}, **sizes)


def note(*tokens: int) -> np.ndarray:
    return np.array(tokens, dtype=np.int32)


def states(tokens: np.ndarray) -> torch.Tensor:
    """Of a known function of the tokens."""
    grid = torch.arange(LAYERS * HIDDEN).view(LAYERS, HIDDEN)
    return torch.sin(torch.from_numpy(tokens.astype(np.float32))[:, None, None] + grid)


def fill(cache: StateCache, notes: list[np.ndarray], seen: list[int] | None = None, reserve: int = 0) -> int:
    def compute(batch: list[np.ndarray]) -> list[torch.Tensor]:
        if seen is not None:
            seen.append(len(batch))
        return [states(tokens) for tokens in batch]

    return cache.fill(notes, compute, together=8, reserve=reserve)


NOTES = [note(1, 2, 3), note(4), note(5, 6, 7, 8, 9), note(4), note()]


@pytest.mark.parametrize(("kept_as", "error"), [("float32", 0.0), ("bfloat16", 2**-8), ("int8", 0.5 / 127)])
def test_states_come_back_within_the_error_of_their_type(tmp_path: Path, kept_as: Any, error: float) -> None:
    cache = opened(tmp_path, kept_as)
    assert fill(cache, NOTES) == 3  # one is there twice, one is empty
    for tokens in NOTES[:3]:
        assert (cache.read(tokens) - states(tokens)).abs().max() <= error
    again = opened(tmp_path, kept_as)
    assert torch.equal(again.read(NOTES[2]), cache.read(NOTES[2]))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=HIDDEN, max_size=HIDDEN))
def test_int8_is_off_by_half_a_step_of_the_largest_state(row: list[float]) -> None:
    found = torch.tensor([[row]])
    packed = state_cache._packed(found, "int8")
    back = packed["states"].float() * packed["scales"][..., None]
    assert ((back - found).abs() <= found.abs().max() / 127 * 0.501 + 1e-30).all()


def test_what_was_finished_is_not_computed_again(tmp_path: Path) -> None:
    fill(opened(tmp_path), NOTES[:2])
    seen: list[int] = []
    assert fill(opened(tmp_path), NOTES, seen) == 1
    assert seen == [1]


def test_a_killed_fill_leaves_the_shards_that_were_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_cache, "SHARD_BYTES", 1)
    cache = opened(tmp_path)

    def compute(batch: list[np.ndarray]) -> list[torch.Tensor]:
        if len(batch[0]) == 1:
            raise KeyboardInterrupt
        return [states(tokens) for tokens in batch]

    with pytest.raises(KeyboardInterrupt):
        cache.fill(NOTES, compute, together=1, reserve=0)
    again = opened(tmp_path)
    assert len(again) == 2
    assert not list(tmp_path.rglob("*.part"))
    assert fill(again, NOTES) == 1


def test_notes_are_computed_long_ones_first_and_few_at_once(tmp_path: Path) -> None:
    seen: list[int] = []
    fill(opened(tmp_path), [note(*range(i, i + length)) for i, length in enumerate((1, 9, 4, 4, 2))], seen)
    assert seen == [1, 2, 2]  # 9 alone, 4 and 4, then 2 and 1


@pytest.mark.parametrize(("kept_as", "a_token"), [("float32", 48), ("bfloat16", 24), ("int8", 20)])
def test_the_disk_it_says_is_the_disk_it_takes(tmp_path: Path, kept_as: Any, a_token: int) -> None:
    cache = opened(tmp_path, kept_as)
    assert cache.bytes_for(1) == a_token
    many = [note(*range(i, i + 100)) for i in range(200)]
    fill(cache, many)
    taken = sum(path.stat().st_size for path in tmp_path.rglob("shard-*"))
    assert cache.bytes_for(20_000) <= taken <= cache.bytes_for(20_000) * 1.05


def test_a_disk_without_room_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    seen: list[int] = []
    with pytest.raises(ConfigError, match=r"3 notes take 0.0 MB as float32.*int8"):
        fill(opened(tmp_path), NOTES, seen, reserve=1 << 60)
    assert not seen
    cache = opened(tmp_path)
    fill(cache, NOTES)
    assert fill(cache, NOTES, reserve=1 << 60) == 0  # nothing is missing, so nothing is needed


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    fill(opened(tmp_path), NOTES)
    path = next(tmp_path.rglob("shard-*"))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ArtefactError, match=path.name):
        opened(tmp_path)


def test_states_of_another_form_are_refused(tmp_path: Path) -> None:
    fill(opened(tmp_path), NOTES)
    with pytest.raises(ArtefactError, match="another form"):
        opened(tmp_path, hidden=HIDDEN + 1)


def test_a_note_is_known_by_its_tokens_alone() -> None:
    assert note_key(np.array([1, 2], np.int32)) == note_key(np.array([1, 2], np.int64))
    assert note_key(note(1, 2)) != note_key(note(2, 1))
    assert note_key(note(1, 0)) != note_key(note(1))
