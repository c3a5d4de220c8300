"""What was chosen of the notes that are longer than text.max_tokens, by kinds of sections. Counts only, no text."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from icdcoder.core.document import Split
from icdcoder.core.progress import SILENT, Progress
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepare import known_terms
from icdcoder.experiment.prepared import Prepared
from icdcoder.text import samplers
from icdcoder.text.knowledge_sample import KnowledgeSampler
from icdcoder.text.reader import Encoded
from icdcoder.text.sections import split as sections_of

FEW = 3  # "up to three of the most important sections", the paper says
Flags = npt.NDArray[np.bool_]
Codes = Iterable[Hashable]


@dataclass(slots=True)
class OfKind:
    """Sections of one kind. notes: in how many they stand. cut: how many of these notes are longer than the budget;
    all that follows is of these. selected: of how many a token of such a section is read. tokens, kept: of the
    sections, and how many are read. sections: how many; number, ratio: sums of their N and p (equations 10 and 11).
    """

    notes: int = 0
    cut: int = 0
    selected: int = 0
    tokens: int = 0
    kept: int = 0
    sections: int = 0
    number: float = 0.0
    ratio: float = 0.0


@dataclass(slots=True)
class SampledSections:
    """Of the documents of one part. sampler, budget: text.sampler and text.max_tokens. cut: notes that are longer than
    the budget. tokens, kept: of all notes. tokens_of_cut: of those that are longer. lost_of_longest: the share of the
    longest note that is not read. few: in how many notes that are longer no more than FEW sections are read at all.
    selected: sections read at all, in these notes. weighed: whether the sampler counts words, as the head does not.
    """

    sampler: str
    budget: int
    part: Split
    weighed: bool = True
    notes: int = 0
    cut: int = 0
    tokens: int = 0
    kept: int = 0
    tokens_of_cut: int = 0
    longest: int = 0
    few: int = 0
    selected: int = 0
    kinds: dict[str, OfKind] = field(default_factory=dict)

    def of(self, kind: str) -> OfKind:
        return self.kinds.setdefault(kind, OfKind())

    @property
    def lost_of_longest(self) -> float:
        return max(0.0, 1 - self.budget / self.longest) if self.longest else 0.0


@dataclass(frozen=True, slots=True)
class _Sampling:
    """kept: which tokens are read of a text with these codes. telling: those that count; None: the head counts none."""

    kept: Callable[[Encoded, str, Codes], npt.NDArray[np.int64]]
    telling: Callable[[Encoded, str, Codes], Flags] | None


def sampled_sections(
    experiment: Experiment, prepared: Prepared, part: Split = "train", progress: Progress = SILENT
) -> SampledSections:
    """prepared: of `experiment`. Raises ArtefactError where it has no documents of this part."""
    sampling = _sampling(experiment, prepared)
    budget = prepared.max_tokens
    found = SampledSections(experiment.text.sampler, budget, part, weighed=sampling.telling is not None)
    chosen = prepared.split(part)
    with progress.track("Reading sections", len(chosen)) as step:
        for i in chosen:
            document = prepared.documents[i]
            text = document.joined().text
            # A note of fewer tokens than the budget was not cut, and need not be read again.
            read = prepared.reader.read(text) if len(prepared.tokens[i]) == budget else None
            if read is None or len(read) <= budget:
                _count_whole(found, text, len(prepared.tokens[i]))
            else:
                _count_cut(found, sampling, read, text, document.codes)
            step(1)
    return found


def _sampling(experiment: Experiment, prepared: Prepared) -> _Sampling:
    text, sampler = experiment.text, prepared.sampler
    if text.sampler == samplers.ORACLE:
        oracle = samplers.oracle(text, known_terms(prepared.space, text.sampler_knowledge))
        return _Sampling(lambda read, note, codes: oracle(read, prepared.max_tokens, note, codes).kept, oracle.telling)
    weighed = sampler if isinstance(sampler, KnowledgeSampler) else None
    return _Sampling(
        lambda read, note, codes: sampler(read, prepared.max_tokens, note).kept,
        (lambda read, note, codes: weighed.telling(read, note)) if weighed else None,
    )


def _count_whole(found: SampledSections, text: str, tokens: int) -> None:
    found.notes += 1
    found.tokens += tokens
    found.kept += tokens
    found.longest = max(found.longest, tokens)
    for kind in dict.fromkeys(section.kind for section in sections_of(text)):
        found.of(kind).notes += 1


def _count_cut(found: SampledSections, sampling: _Sampling, read: Encoded, text: str, codes: Codes) -> None:
    sections = sections_of(text)
    starts = np.array([section.start for section in sections], dtype=np.int32)
    # A token belongs to the section in which it begins, as the sampler has it.
    at = np.searchsorted(starts, read.offsets[:, 0], side="right") - 1
    kept = np.bincount(at[sampling.kept(read, text, codes)], minlength=len(sections))
    tokens = np.bincount(at, minlength=len(sections))
    telling = np.zeros(len(read), dtype=np.bool_) if sampling.telling is None else sampling.telling(read, text, codes)
    number = np.bincount(at, weights=telling, minlength=len(sections))
    chosen: dict[str, bool] = {}
    for i, section in enumerate(sections):
        of_kind = found.of(section.kind)
        chosen[section.kind] = chosen.get(section.kind, False) or bool(kept[i])
        if tokens[i]:
            of_kind.sections += 1
            of_kind.tokens += int(tokens[i])
            of_kind.kept += int(kept[i])
            of_kind.number += float(number[i])
            of_kind.ratio += float(number[i] / tokens[i])
    for kind, selected in chosen.items():
        of_kind = found.of(kind)
        of_kind.notes += 1
        of_kind.cut += 1
        of_kind.selected += selected
    found.notes += 1
    found.cut += 1
    found.tokens += len(read)
    found.tokens_of_cut += len(read)
    found.kept += int(kept.sum())
    found.longest = max(found.longest, len(read))
    found.selected += int((kept > 0).sum())
    found.few += int((kept > 0).sum() <= FEW)
