"""Prepare: corpus → documents, label space, reader, tokens, in one pass over the corpus and in bounded memory.

What is dropped is counted and said. Texts and draft tokens go to disk as they come; what is kept in memory is, for
each document, its patient, its split and its codes. Label space and reader are fitted on training documents when all
have been seen, then the tokens get their final numbers.
"""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from icdcoder.core import components
from icdcoder.core.artefact import load_card
from icdcoder.core.cache import atomic_folder, held, in_use
from icdcoder.core.document import SPLITS, CorpusReading
from icdcoder.core.errors import ArtefactError, ConfigError, IcdcoderError, InputError
from icdcoder.core.label_space import LabelSpace
from icdcoder.core.progress import SILENT, Progress
from icdcoder.core.version import VERSION
from icdcoder.experiment import documents
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.drafts import Drafts, Kept, Numbered
from icdcoder.experiment.prepared import TOKENS, Prepared, finish
from icdcoder.systems import code_lists
from icdcoder.text import reader, samplers
from icdcoder.text.reader import Encoded, Reader
from icdcoder.text.sample import Sampler, head

# Of the card, where there are no training documents.
NOTHING_FITTED = (
    "nothing: the corpus has no training documents. Its label space holds every code, its vocabulary no word; "
    "measure a coder on it that was trained elsewhere (icdcoder evaluate CONFIG --coder FOLDER)"
)
# Objects that are made, and not forgotten, before the collector looks.
SELDOM = 500_000
TABLES = ("corpus", "labels", "text")
# What is read of a text, and its gold codes → which tokens a model reads.
Choose = Callable[[Encoded, str, Iterable[Hashable]], Kept]


def prepare(experiment: Experiment, *, fresh: bool = False, progress: Progress = SILENT) -> Prepared:
    """Makes `experiment.prepared`, or loads it where the same settings made it.

    Raises ArtefactError where other settings made it (unless `fresh`, which replaces it).
    """
    folder = experiment.prepared
    if folder.exists() and not fresh:
        card = load_card(folder / "card.json", "a prepared corpus", ["settings_digest"])
        changed = card["settings_digest"] != experiment.digest(*TABLES) and _differences(card, experiment)
        if changed:
            raise ArtefactError(
                f"{folder} was prepared with other settings ({changed}). "
                "Choose another name (--set name=…) or replace it with --fresh."
            )
        return Prepared.load(folder)
    with _seldom_collected():
        return _made(experiment, folder, fresh, progress)


def _made(experiment: Experiment, folder: Path, fresh: bool, progress: Progress) -> Prepared:
    for left in folder.parent.glob(f".{folder.name}.*"):
        if in_use(left):
            raise ArtefactError(f"{folder} is being prepared by another process; wait for it, or choose another name.")
        shutil.rmtree(left, ignore_errors=True)  # of a prepare that was killed: it holds notes
    try:
        with atomic_folder(folder, replace=fresh) as work, held(work):
            _prepare(experiment, work, progress)
    except OSError as error:
        raise ArtefactError(_failed(folder, error)) from None
    return Prepared.load(folder, verified=True)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """The collector looks through all that lives again and again while a corpus makes its many small objects, of which
    hardly one is in a cycle: half a second in nine."""
    before = gc.get_threshold()
    gc.set_threshold(SELDOM, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _failed(folder: Path, error: OSError) -> str:
    """A full disk, or a file that cannot be read: nobody's mistake in the settings."""
    at = f" ({error.filename})" if error.filename else ""
    return (
        f"{folder} could not be prepared: {error.strerror or error}{at}. Notes need room in {folder.parent} and, "
        f"while they are read, once more in {tempfile.gettempdir()}; TMPDIR names another folder for that."
    )


def _prepare(experiment: Experiment, folder: Path, progress: Progress) -> None:
    module = components.load("corpora", experiment.corpus_kind)
    path = folder / documents.FILE
    learner = reader.learner(experiment.text, experiment.reader)
    size: Callable[..., int] | None = getattr(module, "size", None)
    expected = 0 if size is None else size(experiment.corpus)
    with Drafts(folder, learner, experiment.labels.systems, experiment.text.max_tokens, expected) as drafts:
        with progress.track(f"Reading {experiment.corpus_kind}") as step:
            reading: CorpusReading = module.read(experiment.corpus)
            documents.write(path, drafts.noted(reading.documents, step), drafts.count)
        space = _space(experiment, drafts)
        dropped = dict(reading.dropped)
        if experiment.labels.drop_unlabelled:
            unlabelled = drafts.drop_unlabelled(space)
            if unlabelled:
                documents.keep(path, drafts.kept)
            dropped["documents without a code in the label space"] = unlabelled
        sampler, choose = _sampling(experiment, space)
        kept_of = None
        if choose is not None:
            kept_of = partial(_kept_of, choose, documents.Documents(path, int(drafts.kept.sum())))
        numbered = drafts.finish(folder / TOKENS, kept_of)
    counts = _counts(drafts, space, numbered)
    card: dict[str, Any] = {
        "icdcoder": VERSION,
        "corpus": dict(reading.card),
        "settings": experiment.tables(*TABLES),
        "settings_digest": experiment.digest(*TABLES),
        "counts": counts,
        "dropped": {reason: count for reason, count in dropped.items() if count},
    }
    if not drafts.training:
        card["fitted"] = NOTHING_FITTED
    check: Callable[..., Any] | None = getattr(module, "check", None)
    if check is not None:
        sizes = {f"{split} documents": counts[f"{split} documents"] for split in SPLITS}
        card["check_sheet"] = check(
            experiment.corpus, {**reading.facts, **sizes, **numbered.facts, **experiment.tables("text")}
        )
    finish(folder, space, numbered.reader, sampler, card)


def _space(experiment: Experiment, drafts: Drafts) -> LabelSpace:
    labels = experiment.labels
    if not drafts.training:
        return _every_code(experiment, drafts)
    space = LabelSpace.of_counts(
        drafts.code_counts("train"), top=labels.top, min_notes=labels.min_notes, max_notes=labels.max_notes
    )
    if not len(space):
        raise InputError(
            f"No code of the training documents is left with labels.systems={labels.systems}, "
            f"min_notes={labels.min_notes} and max_notes={labels.max_notes}."
        )
    if labels.also is None:
        return space
    more = code_lists.siblings(space.codes) if labels.also == "siblings" else code_lists.read(labels.also)
    kept = labels.systems or space.systems
    return space.with_codes(code for code in more if code.system in kept)


def _every_code(experiment: Experiment, drafts: Drafts) -> LabelSpace:
    """The space of a corpus on which a coder is only measured: all its codes, so that none is chosen on test notes."""
    counts = Counter(code for split in SPLITS for code in drafts.code_counts(split))
    chosen = [key for key in ("top", "min_notes", "max_notes") if getattr(experiment.labels, key) not in (None, 1)]
    if chosen or not counts:
        on = f" on which {', '.join(f'labels.{key}' for key in chosen)} could be fitted" if chosen else " and no codes"
        raise InputError(f"The corpus {experiment.corpus_kind} has no training documents{on}.")
    return LabelSpace(sorted(counts))


def _sampling(experiment: Experiment, space: LabelSpace) -> tuple[Sampler, Choose | None]:
    """(what is kept beside the tokens, which tokens of a document are read; None: the head)."""
    text = experiment.text
    if text.sampler == samplers.ORACLE:
        oracle = samplers.oracle(text, known_terms(space, text.sampler_knowledge))
        return head, lambda read, note, codes: oracle(read, text.max_tokens, note, codes).kept
    sampler = samplers.fitted(text, lambda: chain(*known_terms(space, text.sampler_knowledge).values()))
    if sampler is head:
        return head, None
    return sampler, lambda read, note, codes: sampler(read, text.max_tokens, note).kept


def known_terms(space: LabelSpace, file: Path | None) -> dict[Hashable, tuple[str, ...]]:
    """What is known to be written for each code of the label space. file: of the user's, with more of it."""
    from icdcoder.knowledge import expressions

    more = () if file is None else (file,)
    return {
        code: tuple(expression.text for expression in listed)
        for system in space.systems
        for code, listed in expressions.load(system, more=more).items()
        if code in space
    }


def _kept_of(choose: Choose, written: documents.Documents, reads: Reader) -> Callable[[int], Kept]:
    """Which tokens are read of the n-th document. Its text is read again, since drafts know no places."""

    def kept(n: int) -> Kept:
        document = written[n]
        text = document.joined().text
        return choose(reads.read(text), text, document.codes)

    return kept


def _counts(drafts: Drafts, space: LabelSpace, numbered: Numbered) -> dict[str, Any]:
    splits = drafts.splits_kept()
    return {
        **{f"{split} documents": splits[split] for split in SPLITS},
        "codes in the label space": len(space),
        "codes per document": round(drafts.codes_kept() / max(1, sum(splits.values())), 2),
        "words in the vocabulary": numbered.reader.size,
        "documents longer than max_tokens": numbered.cut,
    }


def _differences(card: dict[str, Any], experiment: Experiment) -> str:
    """In words; a setting that was not known yet when the folder was made stands at its default. "" for none."""
    here, there = experiment.tables(*TABLES), card.get("settings", {})
    with suppress(IcdcoderError):  # of settings that are no longer known
        there = Experiment.resolve({"name": experiment.name, **there}).tables(*TABLES)
    found = []
    for table in TABLES:
        old, new = there.get(table, {}), here[table]
        for key in sorted(set(old) | set(new)):
            if old.get(key) != new.get(key):
                found.append(f"{table}.{key}: {old.get(key)} → {new.get(key)}")
    return "; ".join(found)


def require_prepared(experiment: Experiment) -> Prepared:
    """The prepared folder that training and evaluation need. Raises ConfigError where it is not there."""
    if not experiment.prepared.exists():
        raise ConfigError(f"{experiment.prepared} is not there yet; make it with: icdcoder prepare CONFIG")
    return prepare(experiment)
