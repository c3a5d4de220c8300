"""Fit a ranker: the notes of a corpus → a coder folder that ranks the dictionary's candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from icdcoder.coder import CARD, FORMAT
from icdcoder.core import components
from icdcoder.core.artefact import manifest, save_card
from icdcoder.core.cache import atomic_folder
from icdcoder.core.code import Code
from icdcoder.core.document import CorpusReading, Document, Split, refuse_crossing_patients
from icdcoder.core.errors import ConfigError, InputError
from icdcoder.core.progress import SILENT, Progress
from icdcoder.core.version import VERSION
from icdcoder.decide.threshold import Threshold, choose
from icdcoder.experiment.config import Experiment
from icdcoder.predictors import lexicon, ranked
from icdcoder.predictors.dictionary.editions import OlderEdition
from icdcoder.predictors.ranking import fitting
from icdcoder.predictors.ranking.habits import Coded
from icdcoder.predictors.ranking.reading import rarity, read

# F1 within so much of the best is as good as the best.
FLAT = 0.01


def fit_ranker(
    experiment: Experiment,
    config: ranked.Config,
    folder: Path,
    *,
    rules: bool = False,
    fresh: bool = False,
    progress: Progress = SILENT,
) -> Threshold:
    """Fits on the training and validation documents, which are one here: the threshold is chosen on probabilities of
    rankers that have not seen the note. rules: whether the coder applies those of the code set where its user does not
    say. Writes the coder folder, and returns its threshold."""
    corpus = read_corpus(experiment, config)
    documents = [d for d in corpus.documents if d.split != "test"]
    dictionary = lexicon.build(config.dictionary)
    fitted = fit(documents, config, dictionary, experiment.seed, progress)
    older = OlderEdition(config.gold_edition)
    asked = [[older.code(code) for code in codes] for codes in fitted.codes]
    gold, scores = matrices([set(d.codes) for d in documents], asked, fitted.probabilities)
    threshold = ranker_threshold(gold, scores, habits=config.habits, metric=experiment.decide.metric)
    with atomic_folder(folder, replace=fresh) as work:
        ranked.save(work, fitted.ranker)
        card = {
            **card_of(experiment, config, dictionary, corpus, len(documents), threshold),
            "predictor": "ranked",
            "rules": rules,
            "files": manifest(work, ranked.FILES),
        }
        save_card(work / CARD, card)
    return threshold


def read_corpus(experiment: Experiment, config: ranked.Config) -> CorpusReading:
    """All documents, with the codes of the dictionary's systems. Raises ConfigError where it has none of them."""
    reading = components.load("corpora", experiment.corpus_kind).read(experiment.corpus)
    systems = lexicon.PARTS[config.dictionary.system]
    documents = tuple(_restricted(document, systems) for document in reading.documents)
    if not any(document.codes for document in documents):
        raise ConfigError(
            f"No document of {experiment.corpus_kind} has a code of {' or '.join(systems)}; choose the dictionary's "
            "code system with --system."
        )
    refuse_crossing_patients(documents)
    return CorpusReading(documents, reading.dropped, reading.card)


def fit(
    documents: Sequence[Document],
    config: ranked.Config,
    dictionary: lexicon.LexiconPredictor,
    seed: int,
    progress: Progress = SILENT,
) -> fitting.Fitted:
    """Raises InputError where there are too few patients to fit on."""
    if len({document.patient for document in documents}) < 2 * fitting.FOLDS:
        raise InputError(f"A ranker is fitted on the notes of {2 * fitting.FOLDS} patients at least.")
    notes = []
    with progress.track("Reading notes", len(documents)) as step:
        for document in documents:
            codes = frozenset(document.codes)
            notes.append(Coded(read(document.joined(), dictionary), codes, document.joined_evidence()))
            step()
    with progress.track("Fitting the ranker", 1) as step:
        older = OlderEdition(config.gold_edition)
        fitted = fitting.fit(
            notes,
            [document.patient for document in documents],
            habits=config.habits,
            rarity=rarity(dictionary),
            right=lambda code, gold: older.code(code) in gold,
            seed=seed,
        )
        step()
    return fitted


def matrices(
    gold: Sequence[set[Code]], codes: Sequence[Sequence[Code]], probabilities: Sequence[npt.NDArray[np.float64]]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """("note code" gold, the same of probabilities): over all codes that are gold or a candidate anywhere; what is no
    candidate has probability 0; of one named twice the greatest counts."""
    columns = {code: i for i, code in enumerate(sorted({code for group in (*gold, *codes) for code in group}))}
    truth = np.zeros((len(gold), len(columns)), dtype=np.bool_)
    scores = np.zeros(truth.shape)
    for row, (own, candidates, values) in enumerate(zip(gold, codes, probabilities, strict=True)):
        truth[row, [columns[code] for code in own]] = True
        np.maximum.at(scores[row], [columns[code] for code in candidates], values)
    return truth, scores


def ranker_threshold(
    gold: npt.NDArray[np.bool_],
    probabilities: npt.NDArray[np.float64],
    *,
    habits: bool,
    metric: Literal["micro_f1", "macro_f1"] = "micro_f1",
) -> Threshold:
    """The threshold of a ranker, from probabilities that have not seen their notes ("note code").

    The best F1 that can be expected of true probabilities is reached where its half is the threshold (Lipton, Elkan and
    Naryanaswamy 2014). A ranker's are close to true, and the curve is flat around its maximum, where a few hundred
    notes put it anywhere: half of the maximum varies less than its place. The place itself is taken where half of the
    maximum loses FLAT, and without habits: such a ranker holds back what the note does not state, so that its
    probabilities are not true.
    """
    found = choose(gold, probabilities, metric=metric, split="train")
    if not habits or metric != "micro_f1" or not found.score:
        return found
    value = found.score / 2
    accepted = probabilities > value
    score = 2 * np.count_nonzero(accepted & gold) / (np.count_nonzero(accepted) + np.count_nonzero(gold))
    return replace(found, value=value, score=score) if found.score - score < FLAT else found


def card_of(
    experiment: Experiment,
    config: ranked.Config,
    dictionary: lexicon.LexiconPredictor,
    corpus: CorpusReading,
    fitted_on: int,
    threshold: Threshold,
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": experiment.name,
        "version": VERSION,
        "model": {"kind": "ranker"},
        "ranked": config.model_dump(mode="json"),
        "threshold": threshold.to_json(),
        "systems": list(lexicon.PARTS[dictionary.system]),
        "edition": dictionary.edition,
        "trained_on": {**corpus.card, "fitted on": fitted_on, "seed": experiment.seed},
        "descriptions": {},
    }


def split(corpus: CorpusReading, name: Split) -> list[Document]:
    """Raises InputError where the corpus has no such part."""
    found = [document for document in corpus.documents if document.split == name]
    if not found:
        raise InputError(f"The corpus has no {name} documents.")
    return found


def _restricted(document: Document, systems: Sequence[str]) -> Document:
    codes = tuple(code for code in document.codes if code.system in systems)
    return Document(document.id, document.notes, codes, document.patient, document.split, document.evidence)
