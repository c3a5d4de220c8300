"""The statistics of sampling as a table that a person reads: kinds of sections and counts, no text of a note."""

from __future__ import annotations

from icdcoder.experiment.sampling.published import SamplingTable
from icdcoder.experiment.sampling.sections import FEW, OfKind, SampledSections
from icdcoder.text.sections import OTHER

NO_HEADING = "under no known heading"
COLUMNS = ("section", "in notes", "in notes that were cut", "of these selected in", "%", "of its tokens kept, %")
WEIGHED = ("mean N", "mean p")


def markdown(found: SampledSections, title: str, table: SamplingTable | None = None) -> str:
    """title: of the corpus. table: published figures to stand beside; None: there are none for this corpus."""
    lines = [] if table is None else [f"# {table.title}", "", f"{table.source}.", ""]
    lines += [f"- {note}" for note in table.notes] + [""] if table else []
    lines += [f"## {title}", "", *_totals(found, table), ""]
    if not found.cut:
        lines.append(f"No note is longer than {found.budget} tokens: nothing had to be chosen.")
        return "\n".join(lines) + "\n"
    headings = [*COLUMNS, *(WEIGHED if found.weighed else ())]
    headings += ["published N", "published p"] if table else []
    lines += ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    for kind, of_kind in sorted(found.kinds.items(), key=_order):
        cells = [*_cells(kind, of_kind, found.weighed), *(_published(kind, table) if table else [])]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", *_legend(found)]
    return "\n".join(lines) + "\n"


def _totals(found: SampledSections, table: SamplingTable | None) -> list[str]:
    lost = 1 - found.kept / found.tokens if found.tokens else 0.0
    beside = (f" (published: {table.lost:.2%})", f" (published: {table.lost_of_longest:.2%})") if table else ("", "")
    share = _share(found.cut, found.notes)
    of_longest = f"{found.lost_of_longest:.2%}{beside[1]}"
    lines = [
        f"- Notes ({found.part} part): {found.notes}. Longer than {found.budget} tokens: {found.cut} ({share} %).",
        f"- What is read of longer ones chooses text.sampler = {found.sampler!r}.",
        f"- Tokens: {found.tokens}. Not read: {lost:.2%}{beside[0]}; of the longest note {of_longest}.",
    ]
    if found.cut:
        read = found.budget * found.cut
        few = f"; at most {FEW} in {_share(found.few, found.cut)} % of them"
        few += f" (published: usually up to {FEW})" if table else ""
        lines.append(
            f"- Of the notes that were cut, {read} of {found.tokens_of_cut} tokens are read "
            f"({_share(read, found.tokens_of_cut)} %), from {found.selected / found.cut:.1f} sections a note{few}."
        )
    return lines


def _order(item: tuple[str, OfKind]) -> tuple[int, int, str]:
    return -item[1].selected, -item[1].notes, item[0]


def _cells(kind: str, found: OfKind, weighed: bool) -> list[str]:
    name = NO_HEADING if kind == OTHER else kind.replace("_", " ")
    cells = [name, str(found.notes), str(found.cut), str(found.selected), _share(found.selected, found.cut)]
    cells.append(_share(found.kept, found.tokens))
    if weighed:
        sections = found.sections
        cells += [f"{found.number / sections:.2f}", f"{found.ratio / sections:.2f}"] if sections else ["", ""]
    return cells


def _published(kind: str, table: SamplingTable) -> list[str]:
    weights = table.sections.get(kind, table.others)
    return [weights.number, weights.ratio]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else ""


def _legend(found: SampledSections) -> list[str]:
    lines = ["- Selected: at least one token of such a section is read."]
    if found.weighed:
        whose = "the note's own gold codes" if found.sampler == "oracle" else "the codes of the label space"
        lines.append(
            f"- N: tokens of a section that stand in an expression of {whose} (equation 10); p: their share of its "
            "tokens (equation 11); means over the sections of notes that were cut."
        )
    return lines
