"""What each part of the built-in coder is worth, on CodiEsp: nothing is fitted to the corpus.

    python -m benchmarks builtin_ablation --codiesp=FOLDER [--part=train|dev] [--quick]

Prints micro-precision, -recall, -F1 (over document-code pairs), mean average precision over all candidates, and the
share of gold pairs that are candidates at all; then F1 by chapter and by how often a code occurs in the part. The
alphabetic index is used where it has been fetched (`icdcoder fetch icd10cm-index`). CodiEsp's codes are those of the
2018 edition without the seventh character, which "edition" accounts for, and name symptoms beside their cause.
"""

from __future__ import annotations

import os
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from icdcoder.core.document import Document
from icdcoder.corpora import codiesp
from icdcoder.predictors import lexicon

DATA = Path(os.environ.get("ICDCODER_DATA", Path(__file__).parents[2] / "shared" / "data"))
ALL = 100_000
OLD: dict[str, object] = {"edition": "2018-short"}
VARIANTS: dict[str, dict[str, object]] = {
    "as installed (codes of today)": {},
    "codes of 2018": OLD,
    "… and symptoms beside their cause": {**OLD, "integral": False},
    "  without the index": {**OLD, "integral": False, "index": False},
    "  without expressions": {**OLD, "integral": False, "expressions": False},
    "  without both": {**OLD, "integral": False, "index": False, "expressions": False},
    "  without assertion": {**OLD, "integral": False, "assertion": False},
    "  without sections": {**OLD, "integral": False, "sections": False},
    "  without gaps": {**OLD, "integral": False, "gaps": False},
}


@dataclass
class Counts:
    """Over documents: pairs found, accepted, gold; gold pairs among candidates; summed average precision."""

    hits: int = 0
    accepted: int = 0
    gold: int = 0
    candidates: int = 0
    precision: float = 0.0
    by_group: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @property
    def f1(self) -> float:
        return 2 * self.hits / max(1, self.accepted + self.gold)


def measured(documents: list[Document], settings: dict[str, object]) -> Counts:
    predictor = lexicon.build(lexicon.Config.model_validate(settings))
    frequency = Counter(code for document in documents for code in document.codes)
    counts = Counts()
    notes = [document.joined() for document in documents]
    for document, prediction in zip(documents, predictor.predict(notes, top=ALL), strict=True):
        gold, ranked = set(document.codes), [c.code for c in prediction.codes]
        accepted = {c.code for c in prediction.accepted}
        counts.hits += len(gold & accepted)
        counts.accepted += len(accepted)
        counts.gold += len(gold)
        counts.candidates += len(gold & set(ranked))
        places = [place for place, code in enumerate(ranked, 1) if code in gold]
        counts.precision += sum(hits / place for hits, place in enumerate(places, 1)) / max(1, len(gold))
        for code in gold | accepted:
            times = frequency[code]
            often = "never" if not times else "once" if times == 1 else "2-9 times" if times < 10 else "10 or more"
            for group in (f"chapter {code.value[0]}", f"in gold {often}"):
                kind = ("hit" if code in gold else "wrong") if code in accepted else "missed"
                counts.by_group[group][kind] += 1
    return counts


def main() -> None:
    flags = [a.removeprefix("--").partition("=") for a in sys.argv[1:] if a.startswith("--")]
    options = {name: value for name, _, value in flags}
    root = Path(options.get("codiesp", DATA / "codiesp"))
    if not root.is_dir():
        print(f"{root} is not there: --codiesp=FOLDER names the corpus. Nothing measured.")
        return
    part = options.get("part", "train")
    documents = [d for d in codiesp.read(codiesp.Config(root=root)).documents if (d.split == "test") == (part == "dev")]
    documents = documents[:50] if "quick" in options else documents
    print(f"CodiEsp English, {part}, {len(documents)} documents")
    print(f"{'':36} precision recall   F1   MAP  candidates")
    last = Counts()
    for name, settings in VARIANTS.items():
        counts = measured(documents, settings)
        last = counts if settings == {**OLD, "integral": False} else last
        print(
            f"{name:36} {counts.hits / max(1, counts.accepted):9.3f} {counts.hits / max(1, counts.gold):6.3f}"
            f" {counts.f1:5.3f} {counts.precision / max(1, len(documents)):5.3f}"
            f" {counts.candidates / max(1, counts.gold):9.3f}"
        )
    for group, kinds in sorted(last.by_group.items()):
        both = 2 * kinds["hit"] / max(1, 2 * kinds["hit"] + kinds["wrong"] + kinds["missed"])
        print(f"{group:20} gold {kinds['hit'] + kinds['missed']:5}  wrong {kinds['wrong']:5}  F1 {both:.3f}")


if __name__ == "__main__":
    main()
