from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from icdcoder.core.errors import InputError
from icdcoder.corpora._mimic import splits

REAL = Path(os.environ.get("ICDCODER_DATA", Path(__file__).parents[4] / "shared" / "data")) / "mimic"
needs_lists = pytest.mark.skipif(not REAL.is_dir(), reason=f"the lists of ids are not at {REAL}")


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    folder = tmp_path / "clone" / "mimicdata" / "mimic3"
    folder.mkdir(parents=True)
    for part in ("full", "50"):
        for word, names in (("train", "101\n102\n"), ("dev", "201\n"), ("test", "301")):
            (folder / f"{word}_{part}_hadm_ids.csv").write_text(names)
    return tmp_path / "clone"


def test_lists_are_found_below_the_folder_and_hashed(lists: Path) -> None:
    got = splits.caml("full", lists)
    assert got.split_of == {"101": "train", "102": "train", "201": "validation", "301": "test"}
    assert set(got.files) == {f"{word}_full_hadm_ids.csv" for word in ("train", "dev", "test")}
    assert all(len(digest) == 64 for digest in got.files.values())


def test_an_admission_in_two_parts_and_what_is_no_id_are_refused(lists: Path) -> None:
    path = lists / "mimicdata" / "mimic3" / "test_full_hadm_ids.csv"
    path.write_text("101\n")
    with pytest.raises(InputError, match="admission 101 is in train and in test"):
        splits.caml("full", lists)
    path.write_text("301\nHADM_ID\n")
    with pytest.raises(InputError, match="line 2: an admission's id is a number"):
        splits.caml("full", lists)
    path.unlink()
    with pytest.raises(InputError, match="is not there, though other lists"):
        splits.caml("full", lists)


def test_missing_lists_name_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ICDCODER_CACHE", str(tmp_path / "cache"))
    with pytest.raises(InputError, match="icdcoder fetch caml-splits"):
        splits.caml("full")
    with pytest.raises(InputError, match="icdcoder fetch edin-splits"):
        splits.edin("mimiciii_clean")
    with pytest.raises(InputError, match="MIMIC-IV-ICD-data-processing"):
        splits.mimic_iv_icd(10, "full", None)
    with pytest.raises(InputError, match="holds no train_50_hadm_ids.csv"):
        splits.caml("50", tmp_path)


def test_the_lists_of_mimic_iv_icd_are_told_apart_by_their_folder(tmp_path: Path) -> None:
    for version in (9, 10):
        folder = tmp_path / "mimicdata" / f"mimic4_icd{version}"
        folder.mkdir(parents=True)
        for at, word in enumerate(("train", "dev", "test")):
            (folder / f"{word}_full_hadm_ids.csv").write_text(f"{version}{at}\n")
    assert splits.mimic_iv_icd(10, "full", tmp_path).split_of == {"100": "train", "101": "validation", "102": "test"}
    assert set(splits.mimic_iv_icd(9, "full", tmp_path).split_of) == {"90", "91", "92"}


def test_a_feather_file_is_read_and_another_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mimiciii_clean_splits.feather"
    pl.DataFrame({"_id": [7, 8, 9], "split": ["train", "val", "test"]}).write_ipc(path)
    assert splits.edin("mimiciii_clean", tmp_path).split_of == {"7": "train", "8": "validation", "9": "test"}
    pl.DataFrame({"_id": [7], "split": ["holdout"]}).write_ipc(path)
    with pytest.raises(InputError, match="'holdout'"):
        splits.edin("mimiciii_clean", tmp_path)
    path.write_bytes(b"no feather")
    with pytest.raises(InputError, match="is not the Feather file"):
        splits.edin("mimiciii_clean", tmp_path)


@needs_lists
@pytest.mark.parametrize(("part", "sizes"), [("full", (47_723, 1_631, 3_372)), ("50", (8_066, 1_573, 1_729))])
def test_published_sizes_of_caml(part: str, sizes: tuple[int, int, int]) -> None:
    got = splits.caml(part, REAL / "caml")  # type: ignore[arg-type]
    assert tuple(got.sizes().values()) == sizes
    assert len(got.split_of) == sum(sizes) == (52_726 if part == "full" else 11_368)


@needs_lists
@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("mimiciii_full", (47_719, 1_631, 3_372)),
        ("mimiciii_50", (8_066, 1_573, 1_729)),
        ("mimiciii_clean", (38_401, 5_577, 8_734)),
        ("mimiciv_icd9", (154_542, 21_980, 32_804)),
        ("mimiciv_icd10", (89_099, 13_378, 19_802)),
    ],
)
def test_published_sizes_of_edin(name: str, sizes: tuple[int, int, int]) -> None:
    got = splits.edin(name, REAL / "edin")
    assert tuple(got.sizes().values()) == sizes
    assert len(got.split_of) == sum(sizes)


@needs_lists
def test_the_lists_fit_into_each_other() -> None:
    full, fifty = splits.caml("full", REAL / "caml").split_of, splits.caml("50", REAL / "caml").split_of
    edin = splits.edin("mimiciii_full", REAL / "edin").split_of
    assert fifty.items() <= full.items()
    assert splits.edin("mimiciii_50", REAL / "edin").split_of == fifty
    # Four admissions have a discharge summary and no code: 52,726 against 52,722.
    assert edin.items() <= full.items()
    assert {full[name] for name in full.keys() - edin.keys()} == {"train"}
    assert len(full) - len(edin) == 4
    assert splits.edin("mimiciii_clean", REAL / "edin").split_of.keys() <= edin.keys()


@needs_lists
def test_the_versions_of_mimic_iv_are_two_data_sets() -> None:
    """Seven admissions have codes of both, and two of them are trained on in one and tested on in the other."""
    nine, ten = (splits.edin(f"mimiciv_icd{version}", REAL / "edin").split_of for version in (9, 10))
    both = nine.keys() & ten.keys()
    assert len(both) == 7
    assert sum(nine[name] != ten[name] for name in both) == 2
