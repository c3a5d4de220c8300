from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path

import pytest

from icdcoder.corpora._mimic.origin import described

BODY = b"hadm_id,icd_code\n1,I10\n" * 40


def table(folder: Path, name: str = "hosp/diagnoses_icd.csv.gz") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(BODY) if path.suffix == ".gz" else BODY)
    return path


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv"])
def test_the_same_table_has_the_same_crc_gzipped_or_not(tmp_path: Path, name: str) -> None:
    path = table(tmp_path, name)
    assert described(path) == f"{name}, {path.stat().st_size:,} bytes, CRC-32 {zlib.crc32(BODY):08x}"


@pytest.mark.parametrize(
    ("folder", "version"),
    [("mimiciv/3.1", "3.1"), ("mimic-iv-2.2", "2.2"), ("v1.4", "1.4"), ("mimic4", ""), ("data-2024", "")],
)
def test_the_folder_tells_the_version(tmp_path: Path, folder: str, version: str) -> None:
    said = described(table(tmp_path / folder))
    assert said.endswith(f", version {version} by its folder" if version else f"{zlib.crc32(BODY):08x}")


def test_the_sums_of_physionet_are_compared(tmp_path: Path) -> None:
    path = table(tmp_path)
    sums = tmp_path / "SHA256SUMS.txt"
    own = hashlib.sha256(path.read_bytes()).hexdigest()
    sums.write_text(f"{'0' * 64} LICENSE.txt\n{own} hosp/diagnoses_icd.csv.gz\n")
    assert described(path).endswith(f", SHA-256 {own[:12]} as in SHA256SUMS.txt")
    sums.write_text(f"{'1' * 64}  hosp/diagnoses_icd.csv.gz\n")
    assert described(path).endswith(f", SHA-256 {own[:12]} and not 111111111111 as in SHA256SUMS.txt")
    sums.write_text("nothing of it\n")
    assert "SHA-256" not in described(path)
