"""The sampler that the table [text] names: made of the label space's terms in `prepare`, loaded by a coder."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from icdcoder.core.errors import ConfigError
from icdcoder.core.prediction import Span
from icdcoder.text.reader import Encoded, Reader, TextConfig
from icdcoder.text.sample import Located, Sampled, Sampler, head
from icdcoder.text.sections import Section

if TYPE_CHECKING:
    from icdcoder.text.knowledge_sample import OracleSampler

ORACLE = "oracle"
NO_CODER = (
    "text.sampler = 'oracle' reads a note by its own gold codes, which nobody has of a new note: its figures are an "
    "upper bound, and there is no coder."
)


def fitted(text: TextConfig, terms: Callable[[], Iterable[str]]) -> Sampler:
    """terms: what is known of the codes of the label space, asked for where the sampler needs it.

    Raises ConfigError where the sampler needs terms and there are none.
    """
    if text.sampler == "head":
        return head
    from icdcoder.text.knowledge_sample import KnowledgeSampler

    # Sorted, so that the file that holds them is the same each time.
    known = sorted(set(terms()))
    _require(known, text)
    return KnowledgeSampler(known, paragraphs=_paragraphs(text))


def oracle(text: TextConfig, terms: Mapping[Hashable, Iterable[str]]) -> OracleSampler:
    """For prepare alone, which has the gold codes of each note. terms: of each code of the label space."""
    from icdcoder.text.knowledge_sample import OracleSampler

    _require(terms, text)
    return OracleSampler(terms)


@dataclass(frozen=True)
class _NoCoder:
    """Stands where notes were read by their gold codes: no other text can be read so."""

    files: tuple[str, ...] = ()

    def __call__(self, tokens: Located, budget: int, text: str, sections: Sequence[Section] | None = None) -> Sampled:
        raise ConfigError(NO_CODER)

    def save(self, folder: Path) -> None:
        raise ConfigError(NO_CODER)


def load(folder: Path, text: TextConfig) -> Sampler:
    """The sampler whose files lie in a prepared or a coder folder. Raises ArtefactError where they are damaged."""
    if text.sampler == "head":
        return head
    if text.sampler == ORACLE:
        return _NoCoder()
    from icdcoder.text.knowledge_sample import KnowledgeSampler

    return KnowledgeSampler.load(folder, paragraphs=_paragraphs(text))


def read(reader: Reader, text: str, budget: int, sampler: Sampler) -> tuple[Encoded, tuple[Span, ...]]:
    """(what is read of a text, what is left out)."""
    found = reader.read(text)
    sampled = sampler(found, budget, text)
    return Encoded(found.ids[sampled.kept], found.offsets[sampled.kept]), sampled.left_unread


def _require(terms: object, text: TextConfig) -> None:
    if not terms:
        raise ConfigError(
            f"text.sampler = {text.sampler!r} reads notes where the wording of codes stands, and no code of the label "
            "space has expressions. Take text.sampler = 'head'."
        )


def _paragraphs(text: TextConfig) -> bool:
    return text.sampler == "knowledge"
