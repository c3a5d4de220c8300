"""What each part of the built-in coder, and of the ranker, is worth on CodiEsp; tables in Markdown.

    python -m benchmarks builtin_ablation --codiesp=FOLDER [--part=train|dev] [--only=dictionary,ranker]
        [--groups="assertion,habits"] [--quick]

The dictionary: nothing is fitted to the corpus. Its codes are those of the 2018 edition without the seventh character,
which "edition" accounts for, and it names symptoms beside their cause. The alphabetic index is used where it has been
fetched (`icdcoder fetch icd10cm-index`). The ranker (benchmarks/_ranker_ablation.py): fitted on the train part with its
habits, without each group of its features, measured on dev; minutes each (--groups= names some of them, or none). Then
micro-F1 by training notes of the code and by chapter, and the counts of mistakes by kind, for both.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from _open_figures import by_chapter, by_training_notes, figures, markdown, mistakes
from _ranker_ablation import GROUPS, OLD, ranked_variants
from icdcoder.coder import Coder
from icdcoder.core.document import Document
from icdcoder.core.prediction import Prediction
from icdcoder.corpora import codiesp
from icdcoder.predictors import lexicon

DATA = Path(os.environ.get("ICDCODER_DATA", Path(__file__).parents[2] / "shared" / "data"))
ALL = 100_000
LOOSE: dict[str, object] = {**OLD, "integral": False}
# Settings of the dictionary, and whether the rules of the code set are applied to what it accepts.
VARIANTS: dict[str, tuple[dict[str, object], bool]] = {
    "as installed (codes of today)": ({}, True),
    "without rules of the code set": ({}, False),
    "codes of 2018": (OLD, False),
    "and symptoms beside their cause": (LOOSE, False),
    "– without the index": ({**LOOSE, "index": False}, False),
    "– without expressions": ({**LOOSE, "expressions": False}, False),
    "– without both": ({**LOOSE, "index": False, "expressions": False}, False),
    "– without assertion": ({**LOOSE, "assertion": False}, False),
    "– without sections": ({**LOOSE, "sections": False}, False),
    "– without gaps": ({**LOOSE, "gaps": False}, False),
}


def answers(documents: Sequence[Document], settings: dict[str, object], rules: bool) -> list[Prediction]:
    coder = Coder(lexicon.build(lexicon.Config.model_validate(settings)))
    return list(coder.code_all([d.joined() for d in documents], top=ALL, rules=rules))


def main() -> None:
    flags = [a.removeprefix("--").partition("=") for a in sys.argv[1:] if a.startswith("--")]
    options = {name: value for name, _, value in flags}
    root = Path(options.get("codiesp", DATA / "codiesp"))
    if not root.is_dir():
        print(f"{root} is not there: --codiesp=FOLDER names the corpus. Nothing measured.")
        return
    quick, part = "quick" in options, options.get("part", "dev")
    only = options.get("only", "dictionary,ranker").split(",")
    documents = codiesp.read(codiesp.Config(root=root, evidence="projected")).documents
    training, dev = ([d for d in documents if (d.split == "test") == test] for test in (False, True))
    if quick:
        training, dev = training[:60], dev[:40]
    asked = dev if part == "dev" else training
    groups = options.get("groups", ",".join([*GROUPS, "habits"])).split(",")
    found: dict[str, list[Prediction]] = {}
    if "dictionary" in only:
        found["dictionary"] = dictionary_table(asked, part)
    if "ranker" in only:
        if part != "dev":
            print("\nThe ranker is fitted on the train part: its figures are those of dev.")
        found["ranker"] = ranked_variants(training, dev, groups, quick=quick)
    tables: list[tuple[str, Callable[..., list[list[Any]]]]] = [
        ("training notes of the code", by_training_notes),
        ("chapter", by_chapter),
        ("mistake (codes)", mistakes),
    ]
    for title, group in tables:
        for name, predictions in found.items():
            rows = group(training, dev if name == "ranker" else asked, predictions)
            print(f"\n{name}\n")
            print(
                markdown(
                    [title, *(["gold", "accepted", "P", "R", "F1"] if group is not mistakes else ["number"])], rows
                )
            )


def dictionary_table(documents: Sequence[Document], part: str) -> list[Prediction]:
    """Prints the variants of the dictionary; the answers of the one whose codes are the corpus's."""
    print(f"CodiEsp English, {part}, {len(documents)} documents; nothing is fitted\n")
    rows, kept = [], []
    for name, (settings, rules) in VARIANTS.items():
        predictions = answers(documents, settings, rules)
        kept = predictions if settings == LOOSE else kept
        rows.append([name, *figures(documents, predictions)])
    print(markdown(["dictionary", "P", "R", "micro-F1", "MAP", "gold among the candidates"], rows), flush=True)
    return kept


if __name__ == "__main__":
    main()
