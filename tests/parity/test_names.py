"""docs/parity.md has every name of weights that the maps know, and what becomes of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from icdcoder.core import components
from icdcoder.core.errors import InputError
from icdcoder.models.reference import renamed

PAGE = (Path(__file__).parents[2] / "docs" / "parity.md").read_text(encoding="utf-8")
KINDS = components.names("models.reference")
# What a name may go on with.
RESTS = ("weight", "bias", "weight_ih_l0", "0.weight", "embeddings.word_embeddings.weight", "dense.weight")
NAME = re.compile(r"`([^`]+)`")


def table(kind: str) -> list[tuple[list[str], list[str]]]:
    """Rows of the table of a kind, and of the one that it refers to: the authors' names, and ours."""
    for block in PAGE.split("\n\n"):
        first, *lines = block.strip().split("\n")
        names, _, ours = first.strip("| ").partition(" | ")
        if ours.startswith("here") and kind in re.split(r"[ ,:]+", names):
            rows = [line.strip("| ").split(" |") for line in lines[1:]]
            found = [(NAME.findall(theirs), NAME.findall(rest[0]) if rest else []) for theirs, *rest in rows]
            other = re.search(r"(\w+)'s\b", names)
            return found + (table(other[1]) if other and other[1] != kind else [])
    raise AssertionError(f"docs/parity.md has no table of names for {kind}")


def spelt(name: str) -> list[str]:
    """Names that this one stands for; of a part that is counted also the one of all put together."""
    counted = name.replace("WIDTH", "3").replace("N", "0")
    whole = name.replace(".N", "")
    return [one.replace("…", rest) for one in {counted, whole} for rest in RESTS]


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_of_the_map_is_on_the_page(kind: str) -> None:
    known = [name for theirs, _ in table(kind) for one in theirs for name in spelt(one)]
    reference = components.load("models.reference", kind)
    for pattern, _ in getattr(reference, "PATTERNS", ()):
        # The parts into which one of their weights is cut are on the page as that weight.
        whole = re.sub(r"of_\w+$", "weight", pattern)
        assert any(re.fullmatch(whole, name) for name in known), f"{kind}: {pattern}"


@pytest.mark.parametrize("kind", ["caml", "laat", "plm_icd", "plm_ca", "hilat", "msmn", "cnn", "bigru", "xr_lat"])
def test_the_page_says_what_the_map_does(kind: str) -> None:
    reference = components.load("models.reference", kind)
    checked = 0
    for theirs, ours in table(kind):
        for place, name in enumerate(theirs):
            for rest in RESTS if "…" in name else ("",):
                try:
                    found = renamed(reference, [name.replace("…", rest)])
                except InputError:  # a rest that this name has not
                    continue
                expected = ours[place if len(ours) > 1 else 0].replace("…", rest) if ours else None
                assert list(found.values()) == [expected], name
                checked += 1
    assert checked > 2
