"""Public files that icdcoder can use and does not carry: where each is, its hash, and how it comes into the cache."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from icdcoder.core.artefact import sha256
from icdcoder.core.cache import cache_folder, write_atomic
from icdcoder.core.errors import ArtefactError, ConfigError, InputError, did_you_mean
from icdcoder.core.progress import SILENT, Progress, Step


@dataclass(frozen=True, slots=True)
class Source:
    """title: for people. address: public, without a login. size: in bytes. file: its name in the cache. licence:
    under which it is given. Another content than that of `sha256` is refused."""

    title: str
    address: str
    sha256: str
    size: int
    file: str
    licence: str


SOURCES = {
    "icd10cm-index": Source(
        title="ICD-10-CM alphabetic index, fiscal year 2017 (NCHS)",
        address="https://ftp.cdc.gov/pub/Health_Statistics/NCHS/Publications/ICD10CM/2017/ICD10CM_FY2017_Full_XML.zip",
        sha256="882d24fc3e3211dc6ff5811ecf6badae20377657aa86912f8ab69c931f9ef399",
        size=2_105_947,
        file="ICD10CM_FY2017_Full_XML.zip",
        licence="public domain (United States government)",
    ),
}


def located(name: str) -> Path | None:
    """Where the fetched file is; None where it is not, or is not whole. Raises ConfigError for an unknown name."""
    return have(_source(name))


def fetch(name: str, progress: Progress = SILENT, from_file: Path | None = None) -> Path:
    """Brings the file into the cache, from its address or from a copy that the user has, and returns where it is.

    Nothing is downloaded where it is there already. Raises ConfigError for an unknown name, InputError where the
    content is not the one whose hash is pinned or cannot be had, ArtefactError where the cache cannot be written.
    """
    return bring(name, _source(name), progress, from_file)


def have(source: Source) -> Path | None:
    """Where the file is in the cache; None where it is not, or is not whole."""
    path = _place(source)
    return path if path.is_file() and sha256(path) == source.sha256 else None


def bring(name: str, source: Source, progress: Progress = SILENT, from_file: Path | None = None) -> Path:
    """`fetch` of a source that is described and not named; `name` is what a person calls it."""
    place = _place(source)
    if from_file is None and have(source):
        return place
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtefactError(
            f"{place.parent} cannot be made: {error.strerror}; choose another ICDCODER_CACHE."
        ) from None
    if from_file is None:
        _download(name, source, place, progress)
    else:
        _copy(name, source, from_file, place)
    return place


def _source(name: str) -> Source:
    if name not in SOURCES:
        known = list(SOURCES)
        raise ConfigError(f"There is nothing to fetch named {name!r}.{did_you_mean(name, known)} Known: {known}.")
    return SOURCES[name]


def _place(source: Source) -> Path:
    return cache_folder() / "sources" / source.file


def _copy(name: str, source: Source, from_file: Path, place: Path) -> None:
    try:
        body = from_file.read_bytes()
    except OSError as error:
        raise InputError(f"{from_file} cannot be read: {error.strerror}.") from None
    found = hashlib.sha256(body).hexdigest()
    if found != source.sha256:
        raise InputError(f"{from_file} is not {name}: its sha256 is {found}, {source.sha256} is wanted.")
    write_atomic(place, body)


def _download(name: str, source: Source, place: Path, progress: Progress) -> None:
    import pooch  # here, because it brings a web client

    pooch.get_logger().setLevel("WARNING")
    try:
        with progress.track(f"fetch {name}", source.size) as step:
            bar: Any = _Bar(step, source.size)  # pooch takes an object like this, though its types say bool
            loader: Any = pooch.HTTPDownloader(progressbar=bar, timeout=60)
            pooch.retrieve(source.address, f"sha256:{source.sha256}", place.name, place.parent, downloader=loader)
    except OSError as error:  # the errors of the web client are OSErrors too
        raise InputError(
            f"{source.address} could not be downloaded ({type(error).__name__}). Where this machine has no way to it, "
            f"get the file elsewhere and say: icdcoder fetch {name} --from-file FILE"
        ) from None
    except ValueError:  # what pooch raises for a wrong hash, after it has removed the file
        raise InputError(
            f"{source.address} does not hold the file with sha256 {source.sha256} any more; what came was refused."
        ) from None


class _Bar:
    """What pooch wants of a progress bar, in terms of ours. It rounds the last piece up, and tells the total twice."""

    def __init__(self, step: Step, size: int) -> None:
        self._step = step
        self._left = size
        self.total = size

    def update(self, count: int) -> None:
        count = min(count, self._left)
        self._left -= count
        self._step(count)

    def reset(self) -> None:
        return None

    def close(self) -> None:
        return None
