from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from icdcoder.core.errors import ArtefactError, ConfigError, InputError
from icdcoder.core.progress import Step
from icdcoder.knowledge import sources

NAME = "icd10cm-index"
BODY = b"an index, or what stands for one" * 2_000


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("ICDCODER_CACHE", str(tmp_path / "cache"))
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "cache"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A web server on this machine that holds BODY as file.zip."""
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "file.zip").write_bytes(BODY)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/file.zip"
    server.shutdown()
    server.server_close()
    thread.join()


def point_to(monkeypatch: pytest.MonkeyPatch, address: str, body: bytes = BODY) -> None:
    pinned = hashlib.sha256(body).hexdigest()
    source = replace(sources.SOURCES[NAME], address=address, sha256=pinned, size=len(body))
    monkeypatch.setitem(sources.SOURCES, NAME, source)


class Counted:
    def __init__(self) -> None:
        self.done = 0
        self.total: int | None = None

    @contextmanager
    def _tracked(self) -> Iterator[Step]:
        def step(done: int = 1, note: str = "") -> None:
            self.done += done

        yield step

    def track(self, what: str, total: int | None = None) -> AbstractContextManager[Step]:
        self.total = total
        return self._tracked()


def test_every_source_is_pinned() -> None:
    for source in sources.SOURCES.values():
        assert source.address.startswith("https://")
        assert len(source.sha256) == 64
        assert source.title
        assert source.licence


def test_a_download_is_checked_kept_and_counted(monkeypatch: pytest.MonkeyPatch, cache: Path, address: str) -> None:
    point_to(monkeypatch, address)
    assert sources.located(NAME) is None
    assert not cache.exists()
    progress = Counted()
    path = sources.fetch(NAME, progress)
    assert path.read_bytes() == BODY
    assert path.is_relative_to(cache)
    assert sources.located(NAME) == path
    assert progress.done == progress.total == len(BODY)


def test_what_is_there_is_not_downloaded_again(monkeypatch: pytest.MonkeyPatch, cache: Path, address: str) -> None:
    point_to(monkeypatch, address)
    path = sources.fetch(NAME)
    point_to(monkeypatch, "http://127.0.0.1:9/nothing")
    assert sources.fetch(NAME) == path


def test_another_content_is_refused(monkeypatch: pytest.MonkeyPatch, cache: Path, address: str) -> None:
    point_to(monkeypatch, address, b"what was pinned")
    with pytest.raises(InputError, match="was refused"):
        sources.fetch(NAME)
    assert sources.located(NAME) is None
    assert list((cache / "sources").iterdir()) == []


@pytest.mark.parametrize("ending", ["absent.zip", "unreachable"])
def test_a_failed_download_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, cache: Path, address: str, ending: str
) -> None:
    point_to(monkeypatch, address.replace("file.zip", ending) if ending == "absent.zip" else "http://127.0.0.1:9/x")
    with pytest.raises(InputError, match=f"could not be downloaded .* icdcoder fetch {NAME} --from-file FILE"):
        sources.fetch(NAME)
    assert list((cache / "sources").iterdir()) == []


def test_a_local_copy_takes_the_place_of_a_download(
    monkeypatch: pytest.MonkeyPatch, cache: Path, tmp_path: Path
) -> None:
    point_to(monkeypatch, "http://127.0.0.1:9/nothing")
    copy = tmp_path / "copy.zip"
    copy.write_bytes(BODY)
    path = sources.fetch(NAME, from_file=copy)
    assert path != copy
    assert path.read_bytes() == BODY
    copy.write_bytes(BODY + b"x")
    with pytest.raises(InputError, match=r"copy\.zip is not icd10cm-index: its sha256 is"):
        sources.fetch(NAME, from_file=copy)
    assert sources.located(NAME) == path
    with pytest.raises(InputError, match="cannot be read"):
        sources.fetch(NAME, from_file=tmp_path / "absent")


def test_a_damaged_copy_in_the_cache_counts_as_absent(
    monkeypatch: pytest.MonkeyPatch, cache: Path, address: str
) -> None:
    point_to(monkeypatch, address)
    path = sources.fetch(NAME)
    path.write_bytes(BODY[:-1])
    assert sources.located(NAME) is None
    assert sources.fetch(NAME).read_bytes() == BODY


def test_unknown_names_and_unwritable_caches_are_sentences(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'icd10cm-index'"):
        sources.fetch("icd10cm-indx")
    with pytest.raises(ConfigError, match="Known"):
        sources.located("x")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ICDCODER_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ArtefactError, match="cannot be made"):
        sources.fetch(NAME, from_file=tmp_path / "file")
