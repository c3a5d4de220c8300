"""The neoplasm table of ICD-10-CM, which stands beside the alphabetic index and comes in the same file."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.core.errors import ArtefactError, InputError
from icdcoder.knowledge import sources
from icdcoder.knowledge.index_terms import SOURCE, present

BEHAVIOURS = {
    "2": "malignant",
    "3": "secondary",
    "4": "in situ",
    "5": "benign",
    "6": "uncertain",
    "7": "unspecified",
}
_MEMBER = re.compile(r"(?:^|/)icd10cm[_-]neoplasm[^/]*\.xml$", re.IGNORECASE)
LARGEST = 50_000_000  # bytes unpacked; the table has half a million


@dataclass(frozen=True, slots=True)
class NeoplasmRow:
    """site: titles from the main site down, as in ("lung", "upper lobe"). codes: behaviour (of BEHAVIOURS) → code of
    the present edition, which may be a category where the table leaves further characters open."""

    site: tuple[str, ...]
    codes: dict[str, Code]


def load() -> tuple[NeoplasmRow, ...]:
    """The rows of the fetched table. Raises ArtefactError, which says how to fetch it, where it is not there."""
    path = sources.located(SOURCE)
    if path is None:
        raise ArtefactError(f"The neoplasm table is not here; get it by: icdcoder fetch {SOURCE}")
    return read(path)


def read(path: Path) -> tuple[NeoplasmRow, ...]:
    """The rows of the zip of NCHS. Raises InputError where it holds no such table."""
    system = systems.load("icd10cm")
    found = []
    for element, site in _terms(_root(path)):
        codes = {}
        for cell in element.findall("cell"):
            code = present(cell.text or "", system)
            if code is not None:
                codes[BEHAVIOURS[cell.attrib["col"]]] = code
        if codes and site:
            found.append(NeoplasmRow(site, codes))
    return tuple(found)


def _terms(root: ET.Element) -> Iterator[tuple[ET.Element, tuple[str, ...]]]:
    waiting: list[tuple[ET.Element, tuple[str, ...]]] = [(term, ()) for term in root.findall("letter/mainTerm/term")]
    while waiting:
        element, above = waiting.pop()
        title = element.find("title")
        own = " ".join((title.text or "").split()) if title is not None else ""
        yield element, (*above, own)
        waiting += [(term, (*above, own)) for term in element.findall("term")]


def _root(path: Path) -> ET.Element:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if _MEMBER.search(info.filename)]
            if not members or members[0].file_size > LARGEST:
                raise InputError(f"{path} holds no neoplasm table (icd10cm_neoplasm_….xml).")
            return ET.fromstring(archive.read(members[0]))
    except (OSError, zipfile.BadZipFile, ET.ParseError):
        raise InputError(f"{path} is not the zip of NCHS that holds the neoplasm table.") from None
