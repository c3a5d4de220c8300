from __future__ import annotations

from pathlib import Path

import pytest

from icdcoder.core.artefact import load_card, manifest, save_card, verify
from icdcoder.core.cache import atomic_folder, cache_folder, content_key, held, in_use, write_atomic
from icdcoder.core.errors import ArtefactError


def test_the_environment_chooses_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ICDCODER_CACHE", str(tmp_path / "c"))
    assert cache_folder() == tmp_path / "c"
    assert not cache_folder().exists()


def test_keys_depend_on_where_parts_end(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("ab")
    assert content_key("ab", "c") != content_key("a", "bc")
    assert content_key(file) == content_key("ab") == content_key(b"ab")


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "target"
    with pytest.raises(RuntimeError), atomic_folder(target) as work:
        (work / "half").write_text("x")
        raise RuntimeError
    assert list(tmp_path.rglob("half")) == []
    with atomic_folder(target) as work:
        (work / "whole").write_text("x")
        assert not target.exists()
    assert [p.name for p in target.iterdir()] == ["whole"]


def test_a_folder_is_in_use_while_it_is_held(tmp_path: Path) -> None:
    assert not in_use(tmp_path)
    with held(tmp_path):
        assert in_use(tmp_path)
    assert not in_use(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_kept_unless_replaced(tmp_path: Path) -> None:
    target = tmp_path / "t"
    with atomic_folder(target) as work:
        (work / "old").write_text("x")
    with pytest.raises(ArtefactError, match="exists already"), atomic_folder(target):
        pass
    with atomic_folder(target, replace=True) as work:
        (work / "new").write_text("x")
    assert [p.name for p in target.iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


def test_an_unwritable_place_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtefactError, match="cannot be written"), atomic_folder(tmp_path / "file" / "x"):
        pass
    with pytest.raises(ArtefactError, match="cannot be written"):
        write_atomic(tmp_path / "file" / "x", "body")


def test_write_atomic_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_atomic(path, "one")
    write_atomic(path, b"two")
    assert path.read_text() == "two"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_verify_names_both_sides(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("aaaa")
    files = manifest(tmp_path, ["a"])
    verify(tmp_path, files)
    (tmp_path / "a").write_text("aaab")
    with pytest.raises(ArtefactError, match=r"sha256 is .*… was written"):
        verify(tmp_path, files)
    (tmp_path / "a").write_text("aaa")
    with pytest.raises(ArtefactError, match="has 3 bytes, 4 were written"):
        verify(tmp_path, files)
    (tmp_path / "a").unlink()
    with pytest.raises(ArtefactError, match="incomplete: a is missing"):
        verify(tmp_path, files)


def test_cards(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="is not a coder"):
        load_card(tmp_path / "card.json", "a coder")
    save_card(tmp_path / "card.json", {"a": 1})
    assert load_card(tmp_path / "card.json", "a coder", ["a"]) == {"a": 1}
    with pytest.raises(ArtefactError, match="lacks b"):
        load_card(tmp_path / "card.json", "a coder", ["a", "b"])
    (tmp_path / "card.json").write_text("{")
    with pytest.raises(ArtefactError, match="not JSON"):
        load_card(tmp_path / "card.json", "a coder")
