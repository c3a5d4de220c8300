"""What a person should know of a prepared corpus before training on it."""

from __future__ import annotations

from icdcoder import systems
from icdcoder.core.components import names
from icdcoder.experiment.prepared import Prepared

NEEDED_FOR = {
    "validation": "no threshold can be chosen, and training cannot stop where it does best",
    "test": "nothing can be measured",
}
SHOWN = 3


def cautions(prepared: Prepared) -> list[str]:
    """Sentences; none where all is as it should be."""
    counts = prepared.card["counts"]
    found = [
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
