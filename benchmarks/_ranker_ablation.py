"""The ranker of CodiEsp without each group of its features: fitted on train, measured on dev."""

from __future__ import annotations

from collections.abc import Sequence

from _open_figures import figures, line, markdown
from icdcoder.core.document import Document
from icdcoder.core.prediction import CoderName, Prediction
from icdcoder.core.version import VERSION
from icdcoder.experiment.ranking import matrices, ranker_threshold
from icdcoder.predictors import lexicon
from icdcoder.predictors.ranked import RankedPredictor
from icdcoder.predictors.ranking import context, descriptions, fitting
from icdcoder.predictors.ranking.boosting import Boosting
from icdcoder.predictors.ranking.fitting import Fitted
from icdcoder.predictors.ranking.habits import NAMES as HABIT_NAMES
from icdcoder.predictors.ranking.habits import Coded
from icdcoder.predictors.ranking.reading import rarity, read

OLD: dict[str, object] = {"edition": "2017-short"}
ALL = 100_000
# What the names of a group's features begin with.
GROUPS: dict[str, tuple[str, ...]] = {
    "the dictionary's score and rank": ("score", "support", "rank", "better_siblings"),
    "sources of the wording": ("source_",),
    "assertion": ("status_",),
    "sections and place": ("section_", "first_position", "last_position"),
    "how the wording was met": ("words", "characters", "exact", "gaps", "nested", "first_reading", "readings", "joint"),
    "likeness to the description": (*descriptions.NAMES, "description_"),
    "wordings learnt": tuple(name for name in HABIT_NAMES if "phrase" in name),
    "linear coders": ("similar_notes", "scoped_similar", "all_views", "set_", "sets_"),
    "how often codes are given": ("code_notes", "category_notes", "dictionary_"),
    "the second look": context.NAMES,
}


def ranked_variants(
    training: Sequence[Document], dev: Sequence[Document], groups: Sequence[str], *, quick: bool
) -> list[Prediction]:
    """Prints the table; the answers of the whole ranker on dev. Candidates are the same in all rows with habits: only
    what the trees see differs. groups: of GROUPS, and "habits", those that are left out in turn."""
    dictionary = lexicon.build(lexicon.Config.model_validate(OLD))
    how = Boosting(trees=5) if quick else None
    notes = [Coded(read(d.joined(), dictionary), frozenset(d.codes), d.joined_evidence()) for d in training]
    rare = rarity(dictionary)
    patients = [d.patient for d in training]
    whole = fitting.gather(notes, patients, habits=True, rarity=rare)
    print(f"\nRanker fitted on {len(training)} notes, CodiEsp English dev, {len(dev)} documents\n")
    print(markdown(["ranker", "P", "R", "micro-F1", "MAP", "gold among the candidates", "out of fold on train"], []))
    kept: list[Prediction] = []
    without = {f"– without {name}": beginnings for name, beginnings in GROUPS.items() if name in groups}
    for name, beginnings in {"all features": (), **without}.items():
        unused = [column for column in whole.columns if column.startswith(beginnings)] if beginnings else []
        predictions = _row(name, notes, dev, dictionary, fitting.grow(whole, how=how, unused=unused))
        kept = kept or predictions
    if "habits" not in groups:
        return kept
    bare = fitting.gather(notes, patients, habits=False, rarity=rare)
    _row("– without habits, their candidates too", notes, dev, dictionary, fitting.grow(bare, how=how))
    return kept


def _row(
    name: str,
    notes: Sequence[Coded],
    dev: Sequence[Document],
    dictionary: lexicon.LexiconPredictor,
    fitted: Fitted,
) -> list[Prediction]:
    gold, scores = matrices([set(n.codes) for n in notes], fitted.codes, fitted.probabilities)
    threshold = ranker_threshold(gold, scores, habits=fitted.ranker.habits is not None)
    coder = RankedPredictor(CoderName("ranker", VERSION), dictionary, fitted.ranker, threshold.value)
    predictions = list(coder.predict([d.joined() for d in dev], top=ALL))
    print(line([name, *figures(dev, predictions), float(threshold.score or 0)]), flush=True)
    return predictions
