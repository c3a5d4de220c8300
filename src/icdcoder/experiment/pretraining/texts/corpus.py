"""The notes of a corpus, as `[corpus]` of an experiment names it; its training part unless another is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from icdcoder.core import components
from icdcoder.core.config import Settings, build
from icdcoder.core.document import Split
from icdcoder.core.errors import ConfigError


class Config(Settings):
    """corpus: its kind and settings. splits: parts other than "train" are for texts that are to be kept out."""

    corpus: dict[str, Any]
    splits: tuple[Split, ...] = Field(("train",), min_length=1)


def texts(config: Config) -> Iterator[str]:
    settings = dict(config.corpus)
    kind = settings.pop("kind", None)
    if not isinstance(kind, str):
        raise ConfigError("A text source of kind 'corpus' needs corpus.kind, as corpus = { kind = 'synthetic' }.")
    module = components.load("corpora", kind)
    for document in module.read(build(module.Config, settings, "texts.corpus")).documents:
        if document.split in config.splits:
            yield document.joined().text
