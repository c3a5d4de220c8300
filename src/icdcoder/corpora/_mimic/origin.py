"""Which file a table was read from, so that two versions of MIMIC can be told apart by a card."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

from icdcoder.core.artefact import sha256

SUMS = "SHA256SUMS.txt"
PIECE = 1 << 20
_VERSION = re.compile(r"(?:^|.*[^0-9.])v?([0-9]+\.[0-9]+(?:\.[0-9]+)?)")


def described(path: Path) -> str:
    """For a card: "NOTEEVENTS.csv.gz, 1,180,216,192 bytes, CRC-32 0a1b2c3d, version 1.4 by its folder".

    The CRC is that of the table without gzip. Where PhysioNet's list of SHA-256 sums lies beside the tables, the file
    is compared with it.
    """
    said = [path.name, f"{path.stat().st_size:,} bytes", f"CRC-32 {_crc(path):08x}"]
    if version := _version(path):
        said.append(f"version {version} by its folder")
    if listed := _listed(path):
        found = sha256(path)
        verdict = "as in" if found == listed else f"and not {listed[:12]} as in"
        said.append(f"SHA-256 {found[:12]} {verdict} {SUMS}")
    return ", ".join(said)


def _crc(path: Path) -> int:
    """Of what the file holds; a gzip file ends with it (several in one: with that of the last)."""
    with path.open("rb") as file:
        if path.suffix == ".gz":
            file.seek(max(0, path.stat().st_size - 8))
            return int.from_bytes(file.read(4), "little")
        crc = 0
        while piece := file.read(PIECE):
            crc = zlib.crc32(piece, crc)
        return crc


def _version(path: Path) -> str:
    """PhysioNet's folders end with it: mimiciv/3.1/hosp, mimic-iv-3.1."""
    for folder in path.absolute().parents[:2]:
        if found := _VERSION.fullmatch(folder.name):
            return found[1]
    return ""


def _listed(path: Path) -> str:
    """The sum that PhysioNet's list names for the file; "" without one."""
    for folder in path.parents[:2]:
        try:
            lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        own = path.relative_to(folder).as_posix()
        for line in lines:
            digest, _, name = line.strip().partition(" ")
            if name.strip(" *").removeprefix("./") == own:
                return digest.lower()
    return ""
