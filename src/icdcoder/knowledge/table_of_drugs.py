"""The table of drugs and chemicals of ICD-10-CM: substance → the beginning of its codes, before intent and encounter.

A table of our own for what is met every day (knowledge/data/drugs.tsv), and NCHS's of some thousand substances where
the index has been fetched; read from its XML once, then from the cache.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

from icdcoder.core.cache import cache_folder, content_key, write_atomic
from icdcoder.core.errors import IcdcoderError, InputError
from icdcoder.knowledge import sources
from icdcoder.knowledge.index_terms import SOURCE
from icdcoder.knowledge.shipped import rows

TABLE = "drugs.tsv"
LARGEST = 50_000_000  # bytes unpacked; the table has two million
_MEMBER = re.compile(r"(?:^|/)icd10cm[_-]drug[^/]*\.xml$", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z][A-Za-z-]{4,}(?: [a-z-]{4,})?$")
_CODE = re.compile(r"T\d\d\.[0-9A-Z]{2,3}$")
# Substances of the table that are everyday words of notes.
_EVERYDAY = frozenset(
    """
    acid acids alcohol alkali alkalis antigen arsenic bacillus blood calcium carbon catheter colour drug drugs
    fluid food foods globulin gases glucose hormone infection influenza iodine isotope light liver lymph measles
    medicinal mixed mumps nutrient oxygen plasma platelets potassium protein radium smoke sodium solution
    stomach surgical tissue vaccine virus vitamin water whole
    """.split()
)


def load() -> dict[str, str]:
    """{substance in small letters: the beginning of its codes}, as "T36.0X" or "T58.9"."""
    found = dict(_fetched())
    for stem, names in rows(TABLE):
        found.update((name.strip().lower(), stem) for name in names.split("|"))
    return found


def read(path: Path) -> dict[str, str]:
    """The substances of NCHS's table, in its zip, of one or two words. Raises InputError where it holds no table."""
    found = {}
    for term in _root(path).iterfind("letter/mainTerm"):
        title = term.find("title")
        name = " ".join((title.text or "").split()).rstrip(" ,") if title is not None else ""
        cell = next((cell.text or "" for cell in term.findall("cell") if cell.attrib.get("col") == "2"), "").strip()
        if _NAME.match(name) and _CODE.match(cell) and cell.endswith("1") and name.lower() not in _EVERYDAY:
            found[name.lower()] = cell[:-1]
    return found


def _fetched() -> dict[str, str]:
    """NCHS's table from the cache; {} where the index has not been fetched, or has none."""
    path = sources.located(SOURCE)
    if path is None:
        return {}
    cached = cache_folder() / "drugs" / f"{content_key(Path(__file__), path.name, str(path.stat().st_size))}.json"
    try:
        return json.loads(cached.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        pass
    try:
        found = read(path)
    except InputError:
        return {}
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(cached, json.dumps(found))
    except (IcdcoderError, OSError):
        pass  # The cache cannot be written: what is in memory serves.
    return found


def _root(path: Path) -> ET.Element:
    try:
        with zipfile.ZipFile(path) as archive:
            member = next((i for i in archive.infolist() if _MEMBER.search(i.filename)), None)
            if member is None or member.file_size > LARGEST:
                raise InputError(f"{path} holds no table of drugs (icd10cm_drug_….xml).")
            return ET.fromstring(archive.read(member))
    except (OSError, zipfile.BadZipFile, ET.ParseError):
        raise InputError(f"{path} holds no table of drugs that can be read.") from None
