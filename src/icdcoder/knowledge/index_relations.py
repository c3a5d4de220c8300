"""What the alphabetic index says of how codes are related: which stand below one main term, and where it sends on."""

from __future__ import annotations

from collections.abc import Collection

from icdcoder.knowledge.index_terms import IndexReading

BELOW, SEE, SEE_ALSO = RELATIONS = ("below main term", "see", "see also")


def triples(reading: IndexReading, codes: Collection[str]) -> list[tuple[str, str, str]]:
    """(node, member of RELATIONS, node), each once; nodes are `codes` ("icd10cm:E11.9") and main terms ("icd10cm index
    Diabetes, diabetic").

    A code is below the main term of each entry that leads to it. A reference goes from the codes of its own term, or
    from its main term where it has none, to the main term of its target. Only main terms with a code are there.
    """
    known = set(codes)
    found: dict[tuple[str, str, str], None] = {}
    main: dict[str, str] = {}
    at: dict[tuple[str, ...], list[str]] = {}
    for entry in reading.entries:
        if (code := str(entry.code)) in known:
            found[(code, BELOW, _node(entry.path[0]))] = None
            main.setdefault(_word(entry.path[0]), entry.path[0])
            at.setdefault(entry.path, []).append(code)
    titles = {path[0].casefold(): path[0] for path in at}
    for reference in reading.references:
        target = titles.get(reference.target.casefold()) or main.get(_word(reference.target))
        if target is None:
            continue
        own = titles.get(reference.path[0].casefold())
        heads = at.get(reference.path) or ([] if own is None else [_node(own)])
        for head in heads:
            if head != _node(target):
                found[(head, SEE_ALSO if reference.also else SEE, _node(target))] = None
    return list(found)


def _node(title: str) -> str:
    return f"icd10cm index {title}"


def _word(title: str) -> str:
    """ "Pain, abdominal" → "pain", under which the index has the term."""
    return title.partition(",")[0].removesuffix(" NEC").strip().casefold()
