from __future__ import annotations

from pathlib import Path

import pytest

from icdcoder.core.errors import ConfigError
from icdcoder.text.checkpoints import checkpoint_folder


def folder(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / "config.json").write_text("{}")
    return path


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    assert checkpoint_folder(folder(tmp_path / "model")) == tmp_path / "model"
    assert checkpoint_folder(str(tmp_path / "model")) == tmp_path / "model"


def test_a_model_that_came_with_a_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path / "a_package" / "weights")
    (tmp_path / "a_package" / "__init__.py").write_text("raise AssertionError('it must not be imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert checkpoint_folder("a_package/weights") == tmp_path / "a_package" / "weights"


def test_a_model_in_the_cache_of_hugging_face_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub._snapshot_download.constants.HF_HUB_CACHE", str(tmp_path))
    model = tmp_path / "models--owner--name"
    snapshot = folder(model / "snapshots" / "abc")
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("abc")
    assert checkpoint_folder("owner/name").samefile(snapshot)


def test_what_is_not_there_is_said_and_not_downloaded(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'owner/no-such-model'.*downloads none unasked"):
        checkpoint_folder("owner/no-such-model")
    with pytest.raises(ConfigError, match=r"holds no config\.json"):
        checkpoint_folder(tmp_path)
