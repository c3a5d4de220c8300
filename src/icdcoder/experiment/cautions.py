"""What a person should know of a prepared corpus before training on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from icdcoder import systems
from icdcoder.core.components import names
from icdcoder.experiment.prepared import Prepared

NEEDED_FOR = {
    "validation": "no threshold can be chosen, and training cannot stop where it does best",
    "test": "nothing can be measured",
}
SHOWN = 3
READ_BEFOREHAND = (("text", "vocabulary_parts", "The words of the vocabulary"), ("words", "parts", "The word vectors"))


def read_beforehand(settings: Mapping[str, Any]) -> list[str]:
    """Sentences on what was learnt from the words of validation and test notes. settings: tables of a configuration."""
    return [
        f"{what} are of all parts ({table}.{key} = 'all'): words of test notes were read beforehand, though not their "
        "codes. This repeats published runs, and the figures flatter."
        for table, key, what in READ_BEFOREHAND
        if settings.get(table, {}).get(key) == "all"
    ]


def cautions(prepared: Prepared) -> list[str]:
    """Sentences; none where all is as it should be."""
    counts = prepared.card["counts"]
    found = read_beforehand(prepared.card["settings"])
    found += [
        f"There are no {split} notes: {why}." for split, why in NEEDED_FOR.items() if not counts[f"{split} documents"]
    ]
    known = {name: systems.load(name) for name in prepared.space.systems if name in names("systems")}
    unknown = [str(code) for code in prepared.space if code.system in known and code not in known[code.system]]
    if unknown:
        some = ", ".join(unknown[:SHOWN]) + (" …" if len(unknown) > SHOWN else "")
        found.append(
            f"{len(unknown):,} of {len(prepared.space):,} codes of the label space are not in the editions at hand, "
            f"of another year or mistyped: {some}"
        )
    return found
