"""Public sets of files that belong together: the lists of ids of MIMIC's splits, and the evidence spans of MDACE.

They hold ids, offsets and codes and no text of a patient. Each lies in a folder of the cache; every byte is checked
against pinned hashes, whichever way it came.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from icdcoder.core.cache import atomic_folder, cache_folder
from icdcoder.core.errors import ConfigError, InputError, did_you_mean
from icdcoder.core.progress import SILENT, Progress
from icdcoder.knowledge import sources
from icdcoder.knowledge.sources import Source

_CAML = (
    "https://raw.githubusercontent.com/jamesmullenbach/caml-mimic/44a47455070d3d5c6ee69fb5305e32caec104960/mimicdata"
)
_EDIN = "https://raw.githubusercontent.com/JoakimEdin/medical-coding-reproducibility"
# A file of MDACE has a few kilobytes; more than this is not MDACE and is not unpacked.
LARGEST_MEMBER = 1_000_000


@dataclass(frozen=True, slots=True)
class Files:
    """title: for people. files: each with its own address and hash."""

    title: str
    licence: str
    files: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Archive:
    """A zip of which the files below a folder `inside` with an ending are kept.

    digest: sha256 over "path sha256\\n" of the kept files in order of their paths, as whoever packs a zip anew gives
    it another hash. count: of those files.
    """

    title: str
    licence: str
    address: str
    inside: str
    ending: str
    digest: str
    count: int


def _file(title: str, base: str, path: str, folder: str, sha256: str, size: int, licence: str) -> Source:
    return Source(title, f"{base}/{path}", sha256, size, f"{folder}/{path.rpartition('/')[2]}", licence)


def _caml(path: str, sha256: str, size: int) -> Source:
    return _file("CAML's lists of ids", _CAML, path, "caml-splits", sha256, size, "MIT")


def _edin(commit: str, path: str, sha256: str, size: int) -> Source:
    base = f"{_EDIN}/{commit}/files/data"
    return _file("Edin et al.'s splits", base, path, "edin-splits", sha256, size, "Apache-2.0")


_A = "01824e1ec81d35a44263c3597b9a013952576f6c"
_B = "a493bfb51054f96c441864bbe17d2955f59c690d"
_C = "dc00ce020e74ea1a539b3a862b2f0854fae92fe7"

BUNDLES: dict[str, Files | Archive] = {
    "caml-splits": Files(
        "MIMIC-III: lists of ids of Mullenbach et al. 2018 (full and 50), and their descriptions of ICD-9 codes",
        "MIT",
        (
            _caml(
                "mimic3/train_full_hadm_ids.csv",
                "abc4601d2cb798c7f26d35a4aa38b84b0050af03e102e455ab70651d654cb964",
                334_061,
            ),
            _caml(
                "mimic3/dev_full_hadm_ids.csv",
                "5bc77377a675b17631844f6253ecec5c0b2b39c294aebe34aebbd2c733d8efb4",
                11_417,
            ),
            _caml(
                "mimic3/test_full_hadm_ids.csv",
                "2861293b9057a3aa20b21b397590e4f148aceebdaa705622acf748ccb1b7216c",
                23_604,
            ),
            _caml(
                "mimic3/train_50_hadm_ids.csv",
                "aee261aa45a2d89368e4da275c6c0a601b8bfc2c22e3af915d89adbc068716d2",
                56_462,
            ),
            _caml(
                "mimic3/dev_50_hadm_ids.csv", "bcd69c3be3f4d8a7d29252ac8b5b99f197875b639ab12cf3ab324ee11612ea9e", 11_011
            ),
            _caml(
                "mimic3/test_50_hadm_ids.csv",
                "cc3d3c22cbf0c68b62508712d4fc27baf5a5cb9705c1c8f8b6fc1618332c49b2",
                12_103,
            ),
            _caml("ICD9_descriptions", "588b627be87b1a20cf19df31d564d50404d540080d0bb45443126b44ffa66bd3", 1_196_225),
        ),
    ),
    "edin-splits": Files(
        "MIMIC-III and MIMIC-IV: splits of Edin et al. 2023 (full, 50, clean, IV ICD-9, IV ICD-10)",
        "Apache-2.0",
        (
            _edin(
                _C,
                "mimiciii_full/mimiciii_full_splits.feather",
                "85c763780c2526bc3e5edbc45649b13f380c90bc4cfcbdd57ca16af702acfb26",
                433_610,
            ),
            _edin(
                _A,
                "mimiciii_50/mimiciii_50_splits.feather",
                "7b78a5c2b1242f6114578a40943ea37ef73d0f9abd364abe462e7f6aff389d16",
                95_130,
            ),
            _edin(
                _B,
                "mimiciii_clean/mimiciii_clean_splits.feather",
                "deedf0fe76f80470ca85e71ff10fc2f9de70d28644d4143f5ccf6db635333b9e",
                483_018,
            ),
            _edin(
                _A,
                "mimiciv_icd9/mimiciv_icd9_split.feather",
                "b60d01628b76aa8874cb52bb06aa07f9d18ed03a441cbf0884e9b748300ab4bf",
                2_044_506,
            ),
            _edin(
                _C,
                "mimiciv_icd10/mimiciv_icd10_split.feather",
                "f913edf80c41f52c0865c2c802ab65d0d7b24fdfc03307564d2808bb9a672b61",
                1_206_258,
            ),
        ),
    ),
    "mdace": Archive(
        title="MDACE (Cheng et al. 2023): evidence spans on notes of MIMIC-III, without the text",
        licence="MIT",
        address="https://codeload.github.com/3mcloud/MDACE/zip/bf438d0d3a0dd905439011bcf423de66ee85d3ce",
        inside="data",
        ending=".json",
        digest="3152492770d57f0143302a3dd70bdf2ebee4e832765a552fe479234ddf296587",
        count=708,
    ),
}


def folder_of(name: str) -> Path:
    return cache_folder() / "sources" / name


def located(name: str) -> Path | None:
    """The folder of the bundle; None where it is not there, or not whole. Raises ConfigError for an unknown name."""
    bundle = _bundle(name)
    folder = folder_of(name)
    if isinstance(bundle, Files):
        return folder if all(sources.have(source) for source in bundle.files) else None
    return folder if folder.is_dir() and digest_of(_below(folder, bundle)) == bundle.digest else None


def fetch(name: str, progress: Progress = SILENT, from_file: Path | None = None) -> Path:
    """Brings the bundle into the cache, from its addresses or from the user's copy (a folder, of MDACE also a zip).

    Raises as `sources.fetch`.
    """
    bundle = _bundle(name)
    if from_file is None and located(name):
        return folder_of(name)
    if isinstance(bundle, Archive):
        return _unpacked(name, bundle, progress, from_file)
    for source in bundle.files:
        sources.bring(name, source, progress, None if from_file is None else _copy_of(source, from_file))
    return folder_of(name)


def digest_of(files: Mapping[str, bytes]) -> str:
    """See `Archive.digest`. files: path → content."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path} {hashlib.sha256(files[path]).hexdigest()}\n".encode())
    return digest.hexdigest()


def _bundle(name: str) -> Files | Archive:
    if name not in BUNDLES:
        raise ConfigError(f"There is nothing to fetch named {name!r}.{did_you_mean(name, list(BUNDLES))}")
    return BUNDLES[name]


def _copy_of(source: Source, folder: Path) -> Path:
    name = source.file.rpartition("/")[2]
    folder = folder if folder.is_dir() else folder.parent
    # The lists of several data sets have the same names: the folder's own comes first, then that of the address.
    beside = source.address.rpartition("/")[0].rpartition("/")[2]
    found = sorted(folder.rglob(name), key=lambda path: (path.parent != folder, path.parent.name != beside, path))
    if not found:
        raise InputError(f"{folder} holds no {name}.")
    return found[0]


def _unpacked(name: str, bundle: Archive, progress: Progress, from_file: Path | None) -> Path:
    if from_file is not None and from_file.is_dir():
        files = _below(from_file, bundle)
    elif from_file is not None:
        files = _zipped(from_file, bundle)
    else:
        downloaded = _downloaded(name, bundle, progress)
        try:
            files = _zipped(downloaded, bundle)
        finally:
            # What is kept is unpacked; a broken download must not stand in the way of the next.
            downloaded.unlink(missing_ok=True)
    found = digest_of(files)
    if found != bundle.digest:
        raise InputError(
            f"{from_file or bundle.address} is not {name}: its {len(files)} files hash to {found}, "
            f"{bundle.count} files and {bundle.digest} are wanted."
        )
    with atomic_folder(folder_of(name), replace=True) as work:
        for path, body in files.items():
            place = work / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(body)
    return folder_of(name)


def _below(folder: Path, bundle: Archive) -> dict[str, bytes]:
    """The bundle's files below `folder`, which is the folder `inside` or one above it."""
    root = folder / bundle.inside if (folder / bundle.inside).is_dir() else folder
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob(f"*{bundle.ending}"))}


def _zipped(path: Path, bundle: Archive) -> dict[str, bytes]:
    files = {}
    try:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            for member in archive.infolist():
                # GitHub puts a folder named after the commit above everything.
                _, _, below = member.filename.partition(f"/{bundle.inside}/")
                if below.endswith(bundle.ending) and ".." not in below and member.file_size <= LARGEST_MEMBER:
                    files[below] = archive.read(member)
    except (OSError, zipfile.BadZipFile):
        raise InputError(f"{path} is no zip that can be read.") from None
    return files


def _downloaded(name: str, bundle: Archive, progress: Progress) -> Path:
    import pooch  # here, because it brings a web client

    pooch.get_logger().setLevel("WARNING")
    folder = cache_folder() / "sources"
    try:
        with progress.track(f"fetch {name}") as step:
            loader: Any = pooch.HTTPDownloader(timeout=60)
            path = pooch.retrieve(bundle.address, None, f"{name}.zip", folder, downloader=loader)
            step()
    except OSError as error:
        raise InputError(
            f"{bundle.address} could not be downloaded ({type(error).__name__}). Where this machine has no way to it, "
            f"get it elsewhere and say: icdcoder fetch {name} --from-file FOLDER"
        ) from None
    return Path(path)
