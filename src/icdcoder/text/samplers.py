"""The sampler that the table [text] names: made of the label space's terms in `prepare`, loaded by a coder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from icdcoder.core.errors import ConfigError
from icdcoder.core.prediction import Span
from icdcoder.text.reader import Encoded, Reader, TextConfig
from icdcoder.text.sample import Sampler, head


def fitted(text: TextConfig, terms: Callable[[], Iterable[str]]) -> Sampler:
    """terms: what is known of the codes of the label space, asked for where the sampler needs it.

    Raises ConfigError where the sampler needs terms and there are none.
    """
    if text.sampler == "head":
        return head
    from icdcoder.text.knowledge_sample import KnowledgeSampler

    # Sorted, so that the file that holds them is the same each time.
    known = sorted(set(terms()))
    if not known:
        raise ConfigError(
            f"text.sampler = {text.sampler!r} reads notes where the wording of codes stands, and no code of the label "
            "space has expressions. Take text.sampler = 'head'."
        )
    return KnowledgeSampler(known, paragraphs=_paragraphs(text))


def load(folder: Path, text: TextConfig) -> Sampler:
    """The sampler whose files lie in a prepared or a coder folder. Raises ArtefactError where they are damaged."""
    if text.sampler == "head":
        return head
    from icdcoder.text.knowledge_sample import KnowledgeSampler

    return KnowledgeSampler.load(folder, paragraphs=_paragraphs(text))


def read(reader: Reader, text: str, budget: int, sampler: Sampler) -> tuple[Encoded, tuple[Span, ...]]:
    """(what is read of a text, what is left out)."""
    found = reader.read(text)
    sampled = sampler(found, budget, text)
    return Encoded(found.ids[sampled.kept], found.offsets[sampled.kept]), sampled.left_unread


def _paragraphs(text: TextConfig) -> bool:
    return text.sampler == "knowledge"
