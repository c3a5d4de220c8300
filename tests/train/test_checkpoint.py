from __future__ import annotations

import dataclasses
import errno
import json
import logging
import resource
import signal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from icdcoder.core.errors import ArtefactError
from icdcoder.train import checkpoint
from icdcoder.train.checkpoint import Checkpoints, own_storage, save_weights
from icdcoder.train.fingerprint import Fingerprint

FINGERPRINT = Fingerprint({"learning_rate": 0.1, "seed": 1}, "a" * 64, {"weight": "[2, 3] float32"})


def store(folder: Path, keep: int = 2, fingerprint: Fingerprint = FINGERPRINT) -> Checkpoints:
    folder.mkdir(exist_ok=True)
    return Checkpoints(folder, keep, fingerprint)


def tensors(value: float) -> dict[str, dict[str, torch.Tensor]]:
    return {"model": {"weight": torch.full((2, 3), value)}, "optimiser": {"0.step": torch.tensor(value)}}


def saved(folder: Path, *steps: int) -> Checkpoints:
    checkpoints = store(folder)
    for step in steps:
        checkpoints.save(step, tensors(step), {"step": step, "share": 0.1})
    return checkpoints


def test_the_latest_is_read_back_and_the_last_two_are_kept(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path / "c", 9, 10, 100)
    assert checkpoints.steps() == [10, 100]
    latest = checkpoints.latest()
    assert latest is not None
    assert (latest.step, latest.state) == (100, {"step": 100, "share": 0.1})
    assert torch.equal(latest.tensors["model"]["weight"], torch.full((2, 3), 100.0))
    assert latest.tensors["optimiser"]["0.step"].shape == ()
    assert not list((tmp_path / "c").glob(".*"))


def test_a_checkpoint_is_safetensors_and_json_only_and_holds_no_absolute_path(tmp_path: Path) -> None:
    saved(tmp_path / "c", 1)
    files = {path.name for path in (tmp_path / "c" / "step-00000001").iterdir()}
    assert files == {"model.safetensors", "optimiser.safetensors", "state.json"}
    text = (tmp_path / "c" / "step-00000001" / "state.json").read_text()
    json.loads(text, parse_constant=pytest.fail)
    assert str(tmp_path) not in text


def test_no_checkpoint_is_none_and_half_written_ones_are_passed_over(tmp_path: Path) -> None:
    checkpoints = store(tmp_path / "c")
    assert checkpoints.latest() is None
    for name in (".step-00000007.abc", ".step-00000003.old"):
        (tmp_path / "c" / name).mkdir()
        (tmp_path / "c" / name / "model.safetensors").write_bytes(b"half")
    (tmp_path / "c" / "step-note.txt").write_text("not a checkpoint")
    assert checkpoints.latest() is None
    checkpoints.clean()
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["step-note.txt"]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _flip(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[-3] ^= 1
    path.write_bytes(bytes(body))


@pytest.mark.parametrize("damage", [_cut, _flip, Path.unlink], ids=["cut", "flipped", "missing"])
@pytest.mark.parametrize("name", ["model.safetensors", "optimiser.safetensors", "state.json"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Any, name: str
) -> None:
    checkpoints = saved(tmp_path / "c", 1, 2)
    damage(tmp_path / "c" / "step-00000002" / name)
    with caplog.at_level(logging.WARNING):
        latest = checkpoints.latest()
    assert latest is not None
    assert latest.step == 1
    assert "The checkpoint of step 2 is not used" in caplog.text
    damage(tmp_path / "c" / "step-00000001" / name)
    with pytest.raises(ArtefactError, match=r"No checkpoint in .* is whole"):
        checkpoints.latest()


def test_a_damaged_checkpoint_is_replaced_when_its_step_comes_again(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path / "c", 1, 2)
    _flip(tmp_path / "c" / "step-00000002" / "model.safetensors")
    checkpoints.save(2, tensors(5.0), {})
    latest = checkpoints.latest()
    assert latest is not None
    assert latest.tensors["model"]["weight"][0, 0] == 5.0


def changed(**fields: Any) -> Fingerprint:
    return dataclasses.replace(FINGERPRINT, **fields)


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (changed(config={"learning_rate": 0.2, "seed": 1}), "learning_rate is 0.1 there and 0.2 here"),
        (changed(config={"learning_rate": 0.1}), "seed is 1 there and absent here"),
        (changed(notes="b" * 64), r"training notes \(digest aaaaaaaaaaaa there, bbbbbbbbbbbb here"),
        (changed(model={"weight": "[9] float32"}), r"weight is \[2, 3\] float32 there"),
    ],
)
def test_another_run_s_checkpoints_are_refused_with_both_sides(
    tmp_path: Path, other: Fingerprint, sentence: str
) -> None:
    saved(tmp_path / "c", 1)
    with pytest.raises(ArtefactError, match=sentence) as caught:
        store(tmp_path / "c", fingerprint=other).latest()
    assert str(caught.value).count("digest") == 1
    assert str(tmp_path) in str(caught.value)


# Everything that saving a checkpoint of two files asks of the disk.
WRITES = [*(("save_file", n) for n in (1, 2)), ("manifest", 1), *(("_to_disk", n) for n in (1, 2, 3, 4)), ("rename", 1)]


@pytest.mark.parametrize(("operation", "nth"), WRITES)
def test_a_full_disk_at_any_write_leaves_the_older_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str, nth: int
) -> None:
    checkpoints = saved(tmp_path / "c", 1)
    owner = Path if operation == "rename" else checkpoint
    original, calls = getattr(owner, operation), 0

    def failing(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(owner, operation, failing)
        with pytest.raises(
            ArtefactError, match=r"step 2 .*No space left on device\. The checkpoint of step 1 is whole"
        ):
            checkpoints.save(2, tensors(2.0), {})
    latest = checkpoints.latest()
    assert latest is not None
    assert latest.step == 1
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["step-00000001"]
    checkpoints.save(2, tensors(2.0), {})
    assert checkpoints.steps() == [1, 2]


def test_the_operating_system_s_own_refusal_is_the_same_sentence(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path / "c", 1)
    big = {"model": {"weight": torch.zeros(100_000)}, "optimiser": {}}
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(ArtefactError, match=r"File too large.*The checkpoint of step 1 is whole"):
            checkpoints.save(2, big, {})
        with pytest.raises(ArtefactError, match=r"best\.safetensors could not be written: File too large"):
            save_weights(tmp_path / "best.safetensors", big["model"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert not [path for path in tmp_path.iterdir() if path.name != "c"]
    assert checkpoints.steps() == [1]
    checkpoints.save(2, big, {})
    assert checkpoints.steps() == [1, 2]


def test_weights_are_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "best.safetensors"
    save_weights(path, {"w": torch.ones(3)})

    def failing(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "_to_disk", failing)
    with pytest.raises(ArtefactError, match="No space left"):
        save_weights(path, {"w": torch.zeros(3)})
    assert torch.equal(load_file(path)["w"], torch.ones(3))
    assert [p.name for p in tmp_path.iterdir()] == ["best.safetensors"]


def test_tied_and_sliced_weights_are_written_in_full(tmp_path: Path) -> None:
    base = torch.arange(12.0).reshape(3, 4)
    state = {"a": base, "tied": base, "slice": base[1:], "turned": base.T}
    save_weights(tmp_path / "w.safetensors", state)
    for name, tensor in load_file(tmp_path / "w.safetensors").items():
        assert torch.equal(tensor, state[name])
    assert own_storage({"a": base})["a"].data_ptr() == base.data_ptr(), "a plain tensor is not copied"


def test_the_fingerprint_sees_tokens_codes_and_frozen_weights(tiny: ModuleType) -> None:
    config, model = tiny.config(), tiny.model()
    first = Fingerprint.of(config, tiny.notes(), model)
    assert first == Fingerprint.of(config, tiny.notes(), tiny.model(seed=99))
    other = tiny.notes()
    other.tokens[3][0] += 1
    assert Fingerprint.of(config, other, model).notes != first.notes
    other = tiny.notes()
    labelled = next(i for i, codes in enumerate(other.gold) if len(codes))
    other.gold[labelled] = other.gold[labelled][1:]
    assert Fingerprint.of(config, other, model).notes != first.notes
    model.embedding.weight.requires_grad_(False)
    assert Fingerprint.of(config, tiny.notes(), model).model != first.model
