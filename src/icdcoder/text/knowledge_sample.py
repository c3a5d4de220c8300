"""Knowledge-driven sampling: a note that is too long is read where the wording of the codes stands.

"How to leverage large language models for automatic ICD coding", section 3.3. With M the expressions known for the
codes, N(T) = number of tokens of T that stand in an expression of M (equation 10) and p(T) = N(T) / |T| (equation 11):
sections are taken by falling N until they fill the budget, those are ranked by p, and the paragraphs inside each by
their own p; what then stands past the budget is left out. Where we differ from the paper:

- M is the union over all codes of the label space, in training and afterwards. The paper's M is that of the note's
  own gold codes, which nobody knows of a new note. `OracleSampler` does that, for ablations, and says so.
- What is kept stays in reading order, so that offsets rise. The paper writes the best part first.
- An expression of several words counts where its words stand together, not where one of them does.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from icdcoder.core.cache import write_atomic
from icdcoder.core.errors import ArtefactError
from icdcoder.text.sample import Located, Sampled, unread
from icdcoder.text.sections import Section, split
from icdcoder.text.term_coverage import Offsets, TermCoverage

FILE = "sampler_terms.txt"
REASON = "past the budget of {} tokens, where fewer words speak of a code"
ORACLE_REASON = "past the budget of {} tokens, by an oracle that knows the gold codes"
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n\s*")


class KnowledgeSampler:
    """A `Sampler` that needs the note's text. terms: all expressions of the label space; see `TermCoverage`.

    paragraphs: False is the paper's sampling of sections alone (table 3, "section level").
    """

    def __init__(self, terms: Iterable[str], *, paragraphs: bool = True) -> None:
        self.terms = tuple(dict.fromkeys(terms))
        self.paragraphs = paragraphs
        self._coverage = TermCoverage(self.terms)

    def __call__(self, tokens: Located, budget: int, text: str, sections: Sequence[Section] | None = None) -> Sampled:
        """tokens: of `text`, in reading order. sections: of `text`; None has them found, where they are needed."""
        if len(tokens) <= budget:
            return _everything(tokens)
        found = split(text) if sections is None else sections
        return _sampled(tokens, budget, text, found, self._coverage.words(text), self.paragraphs, REASON)

    def telling(self, tokens: Located, text: str) -> npt.NDArray[np.bool_]:
        """For each token of `text` whether it is one of those that equation 10 counts."""
        return _inside(tokens.offsets, self._coverage.words(text))

    @property
    def files(self) -> tuple[str, ...]:
        return (FILE,)

    def save(self, folder: Path) -> None:
        """One term a line, so that a coder carries what it was trained with."""
        write_atomic(folder / FILE, "".join(" ".join(term.split()) + "\n" for term in self.terms))

    @classmethod
    def load(cls, folder: Path, *, paragraphs: bool = True) -> KnowledgeSampler:
        """Raises ArtefactError where the terms are missing or damaged."""
        try:
            text = (folder / FILE).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ArtefactError(f"The sampler's terms {FILE} are missing from {folder}.") from None
        except (OSError, UnicodeDecodeError):
            raise ArtefactError(f"{folder / FILE} is not a list of terms written by icdcoder.") from None
        return cls(text.splitlines(), paragraphs=paragraphs)


class OracleSampler:
    """For ablations only: scores with the expressions of the note's own gold codes, as equation 10 is written.

    A model that was sampled so has seen the answer; its figures are an upper bound, never a result. It is no
    `Sampler`, so that no coder can hold it.
    """

    def __init__(self, terms: Mapping[Hashable, Iterable[str]], *, paragraphs: bool = True) -> None:
        """terms: the expressions of each code."""
        self._coverage = {code: TermCoverage(listed) for code, listed in terms.items()}
        self.paragraphs = paragraphs

    def __call__(self, tokens: Located, budget: int, text: str, gold: Iterable[Hashable]) -> Sampled:
        if len(tokens) <= budget:
            return _everything(tokens)
        return _sampled(tokens, budget, text, split(text), self._covered(text, gold), self.paragraphs, ORACLE_REASON)

    def telling(self, tokens: Located, text: str, gold: Iterable[Hashable]) -> npt.NDArray[np.bool_]:
        """For each token of `text` whether it is one of those that equation 10 counts."""
        return _inside(tokens.offsets, self._covered(text, gold))

    def _covered(self, text: str, gold: Iterable[Hashable]) -> Offsets:
        known = [self._coverage[code].words(text) for code in gold if code in self._coverage]
        return np.unique(np.concatenate([np.zeros((0, 2), dtype=np.int64), *known]), axis=0)


def _everything(tokens: Located) -> Sampled:
    return Sampled(np.arange(len(tokens), dtype=np.int64), ())


def _sampled(
    tokens: Located,
    budget: int,
    text: str,
    sections: Sequence[Section],
    covered: Offsets,
    paragraphs: bool,
    reason: str,
) -> Sampled:
    starts = np.ascontiguousarray(tokens.offsets[:, 0])
    counts = np.concatenate([[0], np.cumsum(_inside(tokens.offsets, covered))])
    begins = _begins(starts, [section.start for section in sections])
    edges = np.flatnonzero(begins)
    number, ratio = _weights(edges, counts)
    # Sections that together fill the budget come first, by their ratio; the others are past it.
    by_number = np.argsort(-number, kind="stable")
    filled = np.cumsum(np.diff(edges)[by_number])
    chosen = by_number[: int(np.searchsorted(filled, budget)) + 1]
    rank = np.full(len(number), len(number))
    rank[chosen[np.lexsort((chosen, -ratio[chosen]))]] = np.arange(len(chosen))
    cuts = edges
    if paragraphs:
        cuts = np.flatnonzero(begins | _begins(starts, [match.end() for match in _BLANK_LINE.finditer(text)]))
        _, ratio = _weights(cuts, counts)
    section = np.searchsorted(edges, cuts[:-1], side="right") - 1
    kept = _first(budget, cuts, np.lexsort((-ratio, rank[section])))
    return Sampled(kept, unread(tokens, kept, reason.format(budget)))


def _first(budget: int, cuts: npt.NDArray[np.int64], order: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The first `budget` tokens of the parts in this order, rising."""
    kept = np.zeros(cuts[-1], dtype=np.bool_)
    for part in order.tolist():
        first, end = int(cuts[part]), min(int(cuts[part + 1]), int(cuts[part]) + budget)
        kept[first:end] = True
        budget -= end - first
        if not budget:
            break
    return np.flatnonzero(kept)


def _inside(offsets: npt.NDArray[np.int32], covered: Offsets) -> npt.NDArray[np.bool_]:
    """For each token whether it shares a character with a covered word."""
    starts, ends = np.ascontiguousarray(offsets[:, 0]), offsets[:, 1]
    if not len(covered):
        return np.zeros(len(starts), dtype=np.bool_)
    # The last covered word that begins before the token ends; it reaches into the token or none does.
    last = np.searchsorted(covered[:, 0].astype(np.int32), ends) - 1
    return (last >= 0) & (covered[last, 1] > starts)


def _begins(starts: npt.NDArray[np.int32], places: list[int]) -> npt.NDArray[np.bool_]:
    """For each token, and for the end, whether a part of the text begins with it. places: where the parts begin. The
    first token and the end always count; of parts without a token nothing is seen."""
    found = np.zeros(len(starts) + 1, dtype=np.bool_)
    found[np.searchsorted(starts, np.array(places, dtype=np.int32))] = True
    found[0] = found[-1] = True
    return found


def _weights(
    edges: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """(N of equation 10, p of equation 11) of each part between two edges. counts: telling tokens before each token."""
    number = np.diff(counts[edges])
    return number, number / np.diff(edges)
