"""Names of weights in the authors' own code, one file a model: PATTERNS give for each our name, or None where a weight
has no part in the scores; where they are not enough, `rename(names)` does. BY_CODE: what our names begin with that have
one row a code; not said: those of the label attention. put_together: makes of their weights one a name of PATTERNS,
where they are cut otherwise.

NAMED: what our names begin with that have a row (0) or a column (1) for each of a third list of names, told by NAMES;
rows: for each of ours the number of theirs; MORE_ROWS: how many theirs have beside those. KEPT: what our names begin
with that the file need not have. require: raises ConfigError where the model is not configured as the file needs it.

UNKNOWN: where the row of the unknown word stands. "first": padding, unknown, words; "last": padding, words, unknown;
"behind": words, unknown, padding, a mask. None: the rows are those of a tokenizer."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from icdcoder.models.reference._patterns import by_patterns


def renamed(reference: ModuleType, names: Iterable[str]) -> dict[str, str | None]:
    """Our name of each weight of theirs. Raises InputError naming what the reference does not know."""
    own = getattr(reference, "rename", None)
    return by_patterns(names, reference.PATTERNS) if own is None else own(names)
