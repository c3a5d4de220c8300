"""The alphabetic index of ICD-10-CM: the ways from a word that a clinician writes to a code.

Read from the XML of NCHS that the user has fetched (`icdcoder fetch icd10cm-index`) or points to. The index of one
year is read against the code table of another: codes that have left it are counted and dropped.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.core.errors import ArtefactError, InputError
from icdcoder.knowledge import sources
from icdcoder.systems import CodeSystem

SOURCE = "icd10cm-index"
ROOT = "ICD10CM.index"
MEMBER = re.compile(r"(?:^|/)icd10cm[_-]index[^/]*\.xml$", re.IGNORECASE)
LARGEST = 200_000_000  # bytes unpacked; the index has nine million


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """A term of the index that leads to a code.

    path: titles from the main term down, as in ("Diabetes, diabetic", "type 2", "with", "neuropathy").
    modifiers: for each title, the nonessential modifiers: words in brackets that may be there without a difference.
    Where a line of the index is nothing else, its title is "".
    code: in the present edition. incomplete: the index leaves further characters to the tabular list ("E11.3-"), so
    `code` is a category or subcategory in most cases. manifestation: the second of an aetiology–manifestation pair.
    """

    path: tuple[str, ...]
    modifiers: tuple[tuple[str, ...], ...]
    code: Code
    incomplete: bool
    manifestation: Code | None = None


@dataclass(frozen=True, slots=True)
class IndexReference:
    """A term that sends the reader on: `target` is written as in the index ("Pain, abdominal").

    also: "see also", beside what stands here; else "see", instead of it.
    """

    path: tuple[str, ...]
    modifiers: tuple[tuple[str, ...], ...]
    target: str
    also: bool


@dataclass(frozen=True, slots=True)
class IndexReading:
    """edition: the year the index was made for. dropped: code as the index has it → how many entries it had."""

    edition: str
    entries: tuple[IndexEntry, ...]
    references: tuple[IndexReference, ...]
    dropped: Mapping[str, int]


def load() -> IndexReading:
    """The fetched index. Raises ArtefactError, which says how to fetch it, where it is not there."""
    path = sources.located(SOURCE)
    if path is None:
        raise ArtefactError(f"The alphabetic index is not here; get it by: icdcoder fetch {SOURCE}")
    return read(path)


def read(path: Path) -> IndexReading:
    """An index file, or the zip of NCHS that holds one. Raises InputError where it is neither."""
    system = systems.load("icd10cm")
    root = _root(path)
    entries: list[IndexEntry] = []
    references: list[IndexReference] = []
    dropped: dict[str, int] = {}
    for element, titles, modifiers in _terms(root):
        for tag, also in (("see", False), ("seeAlso", True)):
            references += [IndexReference(titles, modifiers, _text(found), also) for found in element.findall(tag)]
        for found in element.findall("code"):
            raw = _text(found)
            code = present(raw, system)
            if code is None:
                dropped[raw] = dropped.get(raw, 0) + 1
                continue
            manifestation = element.find("manif")
            second = None if manifestation is None else present(_text(manifestation), system)
            entries.append(IndexEntry(titles, modifiers, code, raw.endswith("-"), second))
    return IndexReading(_text(root.find("version")), tuple(entries), tuple(references), dropped)


def present(raw: str, system: CodeSystem) -> Code | None:
    """ "E11.3-", "T36.0X-" or "I10" as a code of the edition, without the hyphen that stands for further characters
    and, where the edition needs it, without placeholders X at the end; None where the edition has no such code."""
    value = raw.strip().rstrip("-").rstrip(".")
    while value:
        try:
            code = system.spell(value)
        except InputError:
            return None
        if code in system:
            return code
        if not value.upper().endswith("X"):
            return None
        value = value[:-1].rstrip(".")
    return None


def _terms(root: ET.Element) -> Iterator[tuple[ET.Element, tuple[str, ...], tuple[tuple[str, ...], ...]]]:
    """Every term with the titles and modifiers from its main term down to it, in the order of the index."""
    waiting = [(term, (), ()) for term in reversed(root.findall("letter/mainTerm"))]
    while waiting:
        element, titles, modifiers = waiting.pop()
        title, own = _title(element)
        titles, modifiers = (*titles, title), (*modifiers, own)
        yield element, titles, modifiers
        waiting += [(term, titles, modifiers) for term in reversed(element.findall("term"))]


def _title(element: ET.Element) -> tuple[str, tuple[str, ...]]:
    """The title without its nonessential modifiers, and these."""
    title = element.find("title")
    if title is None:
        return "", ()
    own = tuple(word for found in title.findall("nemod") for word in re.findall(r"\(([^()]+)\)", found.text or ""))
    words = " ".join([title.text or "", *(found.tail or "" for found in title.findall("nemod"))])
    return re.sub(r"\s+(?=,)", "", " ".join(words.split())), own


def _text(element: ET.Element | None) -> str:
    return "" if element is None else " ".join("".join(element.itertext()).split())


def _root(path: Path) -> ET.Element:
    try:
        if zipfile.is_zipfile(path):
            root = ET.fromstring(_member(path))
        else:
            root = ET.parse(path).getroot()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ET.ParseError, zipfile.BadZipFile):
        raise InputError(f"{path} is neither a whole XML file nor a zip that holds one.") from None
    if root.tag != ROOT:
        raise InputError(f"{path} is not the index: its XML begins with <{root.tag}>, not <{ROOT}>.")
    return root


def _member(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if MEMBER.search(info.filename)]
        if not members:
            raise InputError(f"{path} holds no icd10cm_index_….xml.")
        if members[0].file_size > LARGEST:
            raise InputError(f"{path} holds an index of {members[0].file_size:,} bytes, which cannot be one.")
        return archive.read(members[0])
