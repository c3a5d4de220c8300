"""Which admission is in which part: the published lists of ids, read from the user's copy or from where `icdcoder
fetch` put them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from icdcoder.core.artefact import sha256
from icdcoder.core.document import Split
from icdcoder.core.errors import InputError
from icdcoder.knowledge import bundles

CAML_PARTS: dict[str, Split] = {"train": "train", "dev": "validation", "test": "test"}
MDACE_PARTS: dict[str, Split] = {"train": "train", "val": "validation", "test": "test"}
EDIN_PARTS: dict[str, Split] = {"train": "train", "val": "validation", "test": "test"}
EDIN_FILES = {
    "mimiciii_full": "mimiciii_full_splits.feather",
    "mimiciii_50": "mimiciii_50_splits.feather",
    "mimiciii_clean": "mimiciii_clean_splits.feather",
    "mimiciv_icd9": "mimiciv_icd9_split.feather",
    "mimiciv_icd10": "mimiciv_icd10_split.feather",
}
MDACE = "https://github.com/3mcloud/MDACE"
MIMIC_IV_ICD = "https://github.com/thomasnguyen92/MIMIC-IV-ICD-data-processing"


@dataclass(frozen=True)
class Lists:
    """split_of: admission → part. files: name → sha256 of the files that were read, for the card."""

    name: str
    split_of: dict[str, Split]
    files: dict[str, str]

    def sizes(self) -> dict[Split, int]:
        found: dict[Split, int] = {"train": 0, "validation": 0, "test": 0}
        for split in self.split_of.values():
            found[split] += 1
        return found


def caml(part: Literal["full", "50"] = "full", folder: Path | None = None) -> Lists:
    """The lists of Mullenbach et al. (2018): {train,dev,test}_{full,50}_hadm_ids.csv. Raises InputError."""
    found = _folder(folder, "caml-splits", f"train_{part}_hadm_ids.csv")
    return _id_lists(
        f"caml {part}", found, {f"{word}_{part}_hadm_ids.csv": split for word, split in CAML_PARTS.items()}
    )


def mdace(setting: str, folder: Path | None) -> Lists:
    """The parts of Cheng et al. (2023) for evidence: splits/{Inpatient,Profee}/MDace-ev-*.csv of the user's copy of
    their repository. Raises InputError."""
    if folder is None:
        raise InputError(f"The parts of MDACE are in {MDACE}, splits/{setting}: corpus.lists names a copy of it.")
    found = _holding(folder, "MDace-ev-train.csv", setting)
    return _id_lists(f"mdace {setting}", found, {f"MDace-ev-{word}.csv": split for word, split in MDACE_PARTS.items()})


def mimic_iv_icd(version: Literal[9, 10], part: Literal["full", "50"], folder: Path | None) -> Lists:
    """The lists of Nguyen et al. (2023, arXiv 2304.13998), named as CAML's, from the user's copy. Raises InputError."""
    wanted = f"mimic4_icd{version}"
    if folder is None:
        raise InputError(f"The lists of MIMIC-IV-ICD are in {MIMIC_IV_ICD}, mimicdata/{wanted}: corpus.lists names it.")
    found = _holding(folder, f"train_{part}_hadm_ids.csv", wanted)
    files: dict[str, Split] = {f"{word}_{part}_hadm_ids.csv": split for word, split in CAML_PARTS.items()}
    return _id_lists(f"mimic-iv-icd {version} {part}", found, files)


def edin(name: str, folder: Path | None = None) -> Lists:
    """A split of Edin et al. (2023): a Feather file with `_id` (the admission) and `split`. Raises InputError."""
    import polars as pl

    file = EDIN_FILES[name]
    path = _folder(folder, "edin-splits", file) / file
    try:
        frame = pl.read_ipc(path)
        names = frame["_id"].cast(pl.String).to_list()
        parts = frame["split"].to_list()
    except (pl.exceptions.PolarsError, OSError):
        raise InputError(f"{path} is not the Feather file of Edin et al. (columns _id and split).") from None
    split_of: dict[str, Split] = {}
    for admission, part in zip(names, parts, strict=True):
        if part not in EDIN_PARTS:
            raise InputError(f"{path} names a part {part!r}; known are {', '.join(EDIN_PARTS)}.")
        _place(split_of, admission, EDIN_PARTS[part], path)
    return Lists(f"edin {name}", split_of, {path.name: sha256(path)})


def _id_lists(name: str, folder: Path, parts: Mapping[str, Split]) -> Lists:
    """One id a line. parts: file → part."""
    split_of: dict[str, Split] = {}
    files = {}
    for file, split in parts.items():
        path = folder / file
        try:
            lines = path.read_text(encoding="utf-8").split()
        except FileNotFoundError:
            raise InputError(f"{path} is not there, though other lists of {name} are.") from None
        for number, admission in enumerate(lines, start=1):
            if not admission.isdecimal():
                raise InputError(f"{path}, line {number}: an admission's id is a number, and this is none.")
            _place(split_of, admission, split, path)
        files[path.name] = sha256(path)
    return Lists(name, split_of, files)


def _place(split_of: dict[str, Split], admission: str, split: Split, path: Path) -> None:
    if split_of.setdefault(admission, split) != split:
        raise InputError(f"{path}: admission {admission} is in {split_of[admission]} and in {split}.")


def _folder(folder: Path | None, source: str, file: str) -> Path:
    """The user's folder or, where none is given, what `icdcoder fetch` has brought."""
    if folder is not None:
        return _holding(folder, file)
    fetched = bundles.located(source)
    if fetched is None:
        raise InputError(
            f"The lists of ids are not here: get them with 'icdcoder fetch {source}', or name a copy of yours that "
            f"holds {file} as corpus.lists."
        )
    return _holding(fetched, file)


def _holding(folder: Path, file: str, beside: str = "") -> Path:
    """The folder in or below `folder` that holds `file`, in a path that holds `beside`. Raises InputError."""
    found = sorted(path.parent for path in folder.rglob(file) if beside in path.parent.as_posix())
    if not found:
        raise InputError(f"{folder} holds no {file}: corpus.lists names the folder of the lists of ids.")
    return found[0]
