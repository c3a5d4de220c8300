"""CodiEsp (CLEF eHealth 2020 task 1; Miranda-Escalada et al. 2020): Spanish clinical cases with ICD-10 codes.

Version 4 of the corpus, CC BY 4.0: the folder that holds `train/` and `dev/`. The official dev part is the test part
here, because it is what is reported; the official train part is split by seed into training and validation. Codes are
those of fiscal year 2017 (K56.60 and I21.3 for infarctions of no named place, no code that is new in 2018), some cut
before the seventh character, and are taken as they stand. The English texts are
machine translations, and the offsets of the evidence hold for the Spanish ones only; `evidence = "projected"` carries
it over to the English ones, word by word (corpora/_codiesp/projection.py), which succeeds for nine spans in ten.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from icdcoder.core.code import Code
from icdcoder.core.config import Settings
from icdcoder.core.document import CorpusReading, Document, GoldEvidence, Split
from icdcoder.core.errors import InputError
from icdcoder.core.note import Note

EDITION = "2017-short"  # as `predictors/dictionary/editions.py` names it
LICENCE = "CC BY 4.0; cite Miranda-Escalada et al. 2020, CLEF eHealth"
TEXTS = {"en": "text_files_en", "es": "text_files"}
KINDS = {
    "diagnoses": (("D", "icd10cm"),),
    "procedures": (("P", "icd10pcs"),),
    "both": (("D", "icd10cm"), ("P", "icd10pcs")),
}
SYSTEM_OF = {"DIAGNOSTICO": "icd10cm", "PROCEDIMIENTO": "icd10pcs"}
_POSITIONS = re.compile(r"\d+ \d+(?:;\d+ \d+)*")


class Config(Settings):
    """root: the folder with train/ and dev/. validation: share of the official train part; seed: which share.

    evidence: "projected" gives the English texts of the official train part evidence too; not set: only the Spanish
    ones have it.
    """

    root: Path
    language: Literal["en", "es"] = "en"
    codes: Literal["diagnoses", "procedures", "both"] = "diagnoses"
    validation: float = Field(default=0.2, ge=0, lt=1)
    seed: int = 0
    evidence: Literal["projected"] | None = None


def read(config: Config) -> CorpusReading:
    """All documents of train and dev. Raises InputError where a file of the corpus is not there."""
    dropped: Counter[str] = Counter()
    held_out = _validation_ids(config)
    documents = []
    for part in ("train", "dev"):
        for name, text, codes, evidence in _part(config, part, dropped):
            split: Split = "test" if part == "dev" else "validation" if name in held_out else "train"
            documents.append(Document(name, (Note(name, text),), codes, name, split, evidence))
    card = {"name": f"CodiEsp v4 ({config.language}, {config.codes})", "licence": LICENCE, "test part": "official dev"}
    return CorpusReading(tuple(documents), dropped, card)


def _validation_ids(config: Config) -> set[str]:
    names = sorted(path.stem for path in _texts(config, "train"))
    random.Random(config.seed).shuffle(names)
    return set(names[: round(config.validation * len(names))])


def _texts(config: Config, part: str) -> list[Path]:
    folder = config.root / part / TEXTS[config.language]
    if not folder.is_dir():
        raise InputError(f"{folder} is not there: corpus.root names the folder of CodiEsp that holds train/ and dev/.")
    return sorted(folder.glob("*.txt"))


def _part(
    config: Config, part: str, dropped: Counter[str]
) -> Iterator[tuple[str, str, tuple[Code, ...], tuple[GoldEvidence, ...] | None]]:
    paths = _texts(config, part)
    codes: dict[str, dict[Code, None]] = defaultdict(dict)
    for letter, system in KINDS[config.codes]:
        for name, value in _rows(config.root / part / f"{part}{letter}.tsv", 2):
            code = Code(system, value.upper())
            if code in codes[name]:
                dropped["codes given twice to a document"] += 1
            codes[name][code] = None
    evidence = _evidence(config, part) if config.language == "es" else _projected(config, part, paths)
    known = {path.stem for path in paths}
    dropped["coded documents without a text"] += len(set(codes) - known)
    for path in paths:
        text = path.read_bytes().decode("utf-8")
        spans = None
        if evidence is not None:
            # References in several stretches share some of them.
            distinct = dict.fromkeys(evidence[path.stem])
            spans = tuple(e for e in distinct if text[e.start : e.end].strip())
            dropped["evidence spans given twice"] += len(evidence[path.stem]) - len(distinct)
            dropped["evidence spans without a word"] += len(distinct) - len(spans)
        yield path.stem, text, tuple(codes[path.stem]), spans


def _projected(config: Config, part: str, paths: list[Path]) -> dict[str, list[GoldEvidence]] | None:
    """Evidence of the Spanish texts as spans of the English ones, if asked for; what got lost is left out."""
    if config.evidence is None or part != "train":
        return None
    from icdcoder.corpora._codiesp.projection import project

    evidence = _evidence(config, part)
    spanish = [config.root / part / TEXTS["es"] / path.name for path in paths]
    texts = [(a.read_bytes().decode(), b.read_bytes().decode()) for a, b in zip(spanish, paths, strict=True)]
    spans = [[(e.start, e.end) for e in evidence[path.stem]] for path in paths]
    found: dict[str, list[GoldEvidence]] = defaultdict(list)
    for path, places in zip(paths, project(texts, spans), strict=True):
        for marked, place in zip(evidence[path.stem], places, strict=True):
            if place is not None:
                found[path.stem].append(GoldEvidence(marked.code, *place))
    return found


def _evidence(config: Config, part: str) -> dict[str, list[GoldEvidence]]:
    """Each stretch of a discontinuous reference ("12 20;35 41") is a span of its own."""
    systems = {system for _, system in KINDS[config.codes]}
    found: dict[str, list[GoldEvidence]] = defaultdict(list)
    path = config.root / part / f"{part}X.tsv"
    for number, (name, kind, value, _, positions) in enumerate(_rows(path, 5), start=1):
        if kind not in SYSTEM_OF or not _POSITIONS.fullmatch(positions):
            raise InputError(f"{path}, line {number}: the kind or the positions are not those of CodiEsp.")
        if SYSTEM_OF[kind] in systems:
            code = Code(SYSTEM_OF[kind], value.upper())
            for stretch in positions.split(";"):
                start, end = map(int, stretch.split())
                found[name].append(GoldEvidence(code, start, end))
    return found


def _rows(path: Path, columns: int) -> Iterator[list[str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InputError(f"{path} is not there: corpus.root names the folder of CodiEsp v4.") from None
    for number, line in enumerate(lines, start=1):
        fields = line.split("\t")
        if len(fields) < columns:
            raise InputError(f"{path}, line {number}: {len(fields)} fields instead of {columns}.")
        yield fields[:columns]
