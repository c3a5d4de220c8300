"""What a built file of expressions has beside the ones that icdcoder brings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.knowledge import expressions


@dataclass(frozen=True, slots=True)
class CodeDifference:
    """new: only in the built file. shared: how many are in both. missing: only in icdcoder's. elsewhere: of `new`,
    those that icdcoder has for other codes of the system, with one of these codes, for a person to look at."""

    code: Code
    new: tuple[str, ...]
    shared: int
    missing: tuple[str, ...]
    elsewhere: dict[str, Code]


def compare(path: Path) -> list[CodeDifference]:
    """For each code of the file, in its order. Case, blanks and hyphens make no difference. Raises InputError."""
    built: dict[Code, dict[str, str]] = {}
    for group in expressions.read(path):
        for code in group.codes:
            for kind in expressions.CODING_KINDS:
                built.setdefault(code, {}).update(_keyed(group.by_kind.get(kind, ())))
    if not built:
        raise InputError(f"{path} holds no expression.")
    known = {system: expressions.load(system) for system in sorted({code.system for code in built})}
    owners: dict[tuple[str, str], Code] = {}
    for system, listed in known.items():
        for code, own in listed.items():
            for key in _keyed([expression.text for expression in own]):
                owners.setdefault((system, key), code)
    result = []
    for code, given in built.items():
        own = _keyed([expression.text for expression in known[code.system].get(code, ())])
        new = {key: text for key, text in given.items() if key not in own}
        others = {text: owners[code.system, key] for key, text in new.items() if (code.system, key) in owners}
        missing = tuple(text for key, text in own.items() if key not in given)
        result.append(CodeDifference(code, tuple(new.values()), len(given) - len(new), missing, others))
    return result


def _keyed(texts: Sequence[str]) -> dict[str, str]:
    return {" ".join(text.casefold().replace("-", " ").split()): text for text in texts}
