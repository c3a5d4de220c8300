from __future__ import annotations

import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from icdcoder.core.errors import ConfigError, InputError
from icdcoder.knowledge import bundles

REAL = Path(os.environ.get("ICDCODER_DATA", Path(__file__).parents[3] / "shared" / "data")) / "mimic"
needs_lists = pytest.mark.skipif(not REAL.is_dir(), reason=f"the lists of ids are not at {REAL}")
MEMBERS = {"Inpatient/ICD-9/1.0/1.json": b"{}", "Profee/ICD-10/1.0/2.json": b"[]"}


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("ICDCODER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, cache: Path, tmp_path: Path) -> Path:
    """A stand-in for MDACE, as a zip from GitHub."""
    path = tmp_path / "MDACE.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("MDACE-bf438d0/README.md", "no member")
        archive.writestr("MDACE-bf438d0/data/../../escape.json", "no member either")
        for name, body in MEMBERS.items():
            archive.writestr(f"MDACE-bf438d0/data/{name}", body)
    pinned = replace(bundles.BUNDLES["mdace"], digest=bundles.digest_of(MEMBERS), count=2)  # type: ignore[type-var]
    monkeypatch.setitem(bundles.BUNDLES, "mdace", pinned)
    return path


def test_every_bundle_is_pinned() -> None:
    for bundle in bundles.BUNDLES.values():
        assert bundle.title
        assert bundle.licence in ("MIT", "Apache-2.0")
        for file in bundle.files if isinstance(bundle, bundles.Files) else (bundle,):
            assert file.address.startswith("https://")
            assert len(file.digest if isinstance(file, bundles.Archive) else file.sha256) == 64


def test_a_zip_is_unpacked_checked_and_kept(small: Path, cache: Path) -> None:
    assert bundles.located("mdace") is None
    folder = bundles.fetch("mdace", from_file=small)
    assert {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.json")} == MEMBERS
    assert bundles.located("mdace") == folder
    assert not list(cache.rglob("escape*"))
    (folder / "Profee" / "ICD-10" / "1.0" / "2.json").write_bytes(b"[0]")
    assert bundles.located("mdace") is None


def test_a_folder_serves_as_well_and_another_content_is_refused(small: Path, tmp_path: Path) -> None:
    for name, body in MEMBERS.items():
        path = tmp_path / "clone" / "data" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(body)
    assert bundles.fetch("mdace", from_file=tmp_path / "clone").is_dir()
    (tmp_path / "clone" / "data" / "Profee" / "more.json").write_bytes(b"")
    with pytest.raises(InputError, match="is not mdace: its 3 files hash to"):
        bundles.fetch("mdace", from_file=tmp_path / "clone")
    small.write_bytes(b"no zip")
    with pytest.raises(InputError, match="no zip that can be read"):
        bundles.fetch("mdace", from_file=small)


def test_missing_files_and_unknown_names_are_sentences(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no train_full_hadm_ids.csv"):
        bundles.fetch("caml-splits", from_file=tmp_path)
    with pytest.raises(ConfigError, match="Did you mean 'mdace'"):
        bundles.fetch("mdac")


@needs_lists
@pytest.mark.parametrize(("name", "folder"), [("caml-splits", "caml"), ("edin-splits", "edin"), ("mdace", "mdace")])
def test_the_pinned_hashes_are_those_of_the_files(name: str, folder: str, cache: Path) -> None:
    got = bundles.fetch(name, from_file=REAL / folder)
    assert bundles.located(name) == got
    bundle = bundles.BUNDLES[name]
    count = len(bundle.files) if isinstance(bundle, bundles.Files) else bundle.count
    assert sum(path.is_file() for path in got.rglob("*")) == count
