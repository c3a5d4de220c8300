"""Which results may stand side by side: those whose codes were read alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from icdcoder.core.errors import ConfigError


def refuse_mixed_labels(corpora: Iterable[Mapping[str, Any]]) -> None:
    """Raises ConfigError where results on one data set rest on codes read by different loaders.

    corpora: of each result, the corpus's settings ("kind") or its card ("name"), with "labels" where the data set has
    named label loaders. With damaged codes in it, one set of labels has codes that the other has not: neither micro-F1
    nor a mean over codes says then which system is better.
    """
    loaders: dict[str, str] = {}
    for corpus in corpora:
        loader = corpus.get("labels")
        if not isinstance(loader, str):
            continue
        data = str(corpus.get("kind") or str(corpus.get("name", "")).partition(" ")[0])
        before = loaders.setdefault(data, loader)
        if before != loader:
            raise ConfigError(
                f"These results on {data} cannot be compared: some have labels = {before!r}, others {loader!r}, which "
                "are different codes. Give all the same labels ('caml' to stand beside published tables)."
            )
