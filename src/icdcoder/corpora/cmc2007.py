"""CMC 2007 (Pestian et al., BioNLP 2007): radiology reports with ICD-9-CM codes.

The 978 reports of the challenge's training file; the codes of its test file are not public, so results are by
cross-validation. Gold is the majority of three coders. Free for non-commercial use; the file is not part of icdcoder.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from pathlib import Path
from xml.etree import ElementTree

from pydantic import Field, model_validator

from icdcoder.core.code import Code
from icdcoder.core.config import Settings
from icdcoder.core.document import CorpusReading, Document, Split
from icdcoder.core.errors import InputError
from icdcoder.core.note import Note

EDITION = "2007"  # as `predictors/dictionary/editions.py` names it
FILE = "2007ChallengeTrainData.xml"
LICENCE = "free for non-commercial use; cite Pestian et al. 2007, BioNLP"
HEADINGS = {"CLINICAL_HISTORY": "CLINICAL HISTORY", "IMPRESSION": "IMPRESSION"}


class Config(Settings):
    """root: the folder of the file, or the file. fold: which of `folds` parts is the test part.

    validation: share of the other reports. seed: of the folds and of the validation part.
    """

    root: Path
    folds: int = Field(default=10, ge=2)
    fold: int = Field(default=0, ge=0)
    validation: float = Field(default=0.1, ge=0, lt=1)
    seed: int = 0

    @model_validator(mode="after")
    def _fold_is_one_of_the_folds(self) -> Config:
        if self.fold >= self.folds:
            raise ValueError(f"fold {self.fold} is not one of {self.folds} folds, which count from 0")
        return self


def read(config: Config) -> CorpusReading:
    """All reports; those of one text are in one part. Raises InputError where the file is not there or is not it."""
    path = config.root / FILE if config.root.is_dir() else config.root
    try:
        root = ElementTree.parse(path).getroot()
    except FileNotFoundError:
        raise InputError(f"{path} is not there: corpus.root names the folder that holds {FILE}.") from None
    except ElementTree.ParseError as error:
        raise InputError(f"{path} is not XML: line {error.position[0]}.") from None
    reports = [_report(element) for element in root.iter("doc")]
    if not reports:
        raise InputError(f"{path} holds no reports.")
    splits = _splits([text for _, text, _ in reports], config)
    documents = tuple(Document(name, (Note(name, text),), codes, name, splits[text]) for name, text, codes in reports)
    dropped = Counter({"reports without a majority code": sum(not codes for _, _, codes in reports)})
    card = {"name": f"CMC 2007, fold {config.fold} of {config.folds}", "licence": LICENCE}
    return CorpusReading(documents, dropped, card)


def _report(element: ElementTree.Element) -> tuple[str, str, tuple[Code, ...]]:
    texts = {text.get("type", ""): (text.text or "").strip() for text in element.iter("text")}
    body = "\n\n".join(f"{HEADINGS.get(kind, kind)}:\n{text}" for kind, text in texts.items())
    codes = dict.fromkeys(
        Code("icd9cm", (code.text or "").strip())
        for code in element.iter("code")
        if code.get("origin") == "CMC_MAJORITY"
    )
    return element.get("id", ""), body, tuple(codes)


def _splits(texts: list[str], config: Config) -> dict[str, Split]:
    """The part of each distinct text, so that a report that occurs twice is never on both sides."""
    order = list(dict.fromkeys(texts))
    random.Random(config.seed).shuffle(order)
    parts: dict[int, list[str]] = defaultdict(list)
    for i, text in enumerate(order):
        parts[i % config.folds].append(text)
    rest = [text for fold, part in sorted(parts.items()) if fold != config.fold for text in part]
    random.Random(config.seed + 1 + config.fold).shuffle(rest)
    held_out = round(config.validation * len(rest))
    splits: dict[str, Split] = dict.fromkeys(parts[config.fold], "test")
    splits.update(dict.fromkeys(rest[:held_out], "validation"))
    splits.update(dict.fromkeys(rest[held_out:], "train"))
    return splits
