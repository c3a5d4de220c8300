"""Prepare: corpus → documents, label space, vocabulary, tokens. What is dropped is counted and said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from icdcoder.core import components
from icdcoder.core.artefact import load_card
from icdcoder.core.cache import atomic_folder
from icdcoder.core.document import SPLITS, Document, refuse_crossing_patients
from icdcoder.core.errors import ArtefactError, ConfigError, InputError
from icdcoder.core.label_space import LabelSpace
from icdcoder.core.progress import SILENT, Progress
from icdcoder.core.version import VERSION
from icdcoder.experiment.config import Experiment, LabelsConfig
from icdcoder.experiment.prepared import Prepared
from icdcoder.text.sample import head
from icdcoder.text.tokens import words
from icdcoder.text.vocabulary import Vocabulary

TABLES = ("corpus", "labels", "text")


def prepare(experiment: Experiment, *, fresh: bool = False, progress: Progress = SILENT) -> Prepared:
    """Makes `experiment.prepared`, or loads it where the same settings made it.

    Raises ArtefactError where other settings made it (unless `fresh`, which replaces it).
    """
    folder = experiment.prepared
    if folder.exists() and not fresh:
        card = load_card(folder / "card.json", "a prepared corpus", ["settings_digest"])
        if card["settings_digest"] != experiment.digest(*TABLES):
            raise ArtefactError(
                f"{folder} was prepared with other settings ({_differences(card, experiment)}). "
                "Choose another name (--set name=…) or replace it with --fresh."
            )
        return Prepared.load(folder)
    prepared = _prepare(experiment, progress)
    with atomic_folder(folder, replace=fresh) as work:
        prepared.save(work)
    return Prepared.load(folder)


def _prepare(experiment: Experiment, progress: Progress) -> Prepared:
    with progress.track(f"Reading {experiment.corpus_kind}") as step:
        reading = components.load("corpora", experiment.corpus_kind).read(experiment.corpus)
        step(len(reading.documents))
    refuse_crossing_patients(reading.documents)
    documents = [_restricted(document, experiment.labels) for document in reading.documents]
    training = [document for document in documents if document.split == "train"]
    if not training:
        raise InputError(f"The corpus {experiment.corpus_kind} has no training documents.")
    space = LabelSpace.fit(training, top=experiment.labels.top, min_notes=experiment.labels.min_notes)
    if not len(space):
        raise InputError(f"No code of the training documents is left with labels.systems={experiment.labels.systems}.")
    dropped = Counter(reading.dropped)
    if experiment.labels.drop_unlabelled:
        kept = [d for d in documents if any(code in space for code in d.codes)]
        dropped["documents without a code in the label space"] += len(documents) - len(kept)
        documents = kept
    with progress.track("Tokenising", len(documents)) as step:
        tokenised = []
        for document in documents:
            tokenised.append(words(document.joined().text))
            step()
    vocabulary = Vocabulary.fit(
        (tokens.texts for tokens, d in zip(tokenised, documents, strict=True) if d.split == "train"),
        min_documents=experiment.text.min_documents,
    )
    budget = experiment.text.max_tokens
    ids = tuple(vocabulary.encode(t.texts)[head(t, budget).kept] for t in tokenised)
    cut = sum(len(t) > budget for t in tokenised)
    card: dict[str, Any] = {
        "icdcoder": VERSION,
        "corpus": dict(reading.card),
        "settings": experiment.tables(*TABLES),
        "settings_digest": experiment.digest(*TABLES),
        "counts": _counts(documents, space, cut, len(vocabulary)),
        "dropped": {reason: count for reason, count in dropped.items() if count},
    }
    return Prepared(tuple(documents), ids, space, vocabulary, card)


def _restricted(document: Document, labels: LabelsConfig) -> Document:
    if not labels.systems:
        return document
    codes = tuple(code for code in document.codes if code.system in labels.systems)
    return Document(document.id, document.notes, codes, document.patient, document.split, document.evidence)


def _counts(documents: Iterable[Document], space: LabelSpace, cut: int, vocabulary: int) -> dict[str, Any]:
    documents = list(documents)
    splits = Counter(document.split for document in documents)
    codes = [len(document.codes) for document in documents]
    return {
        **{f"{split} documents": splits[split] for split in SPLITS},
        "codes in the label space": len(space),
        "codes per document": round(sum(codes) / max(1, len(codes)), 2),
        "words in the vocabulary": vocabulary,
        "documents longer than max_tokens": cut,
    }


def _differences(card: dict[str, Any], experiment: Experiment) -> str:
    here, there = experiment.tables(*TABLES), card.get("settings", {})
    found = []
    for table in TABLES:
        old, new = there.get(table, {}), here[table]
        for key in sorted(set(old) | set(new)):
            if old.get(key) != new.get(key):
                found.append(f"{table}.{key}: {old.get(key)} → {new.get(key)}")
    return "; ".join(found) or "of another version of icdcoder"


def require_prepared(experiment: Experiment) -> Prepared:
    """The prepared folder that training and evaluation need. Raises ConfigError where it is not there."""
    if not experiment.prepared.exists():
        raise ConfigError(f"{experiment.prepared} is not there yet; make it with: icdcoder prepare CONFIG")
    return prepare(experiment)
