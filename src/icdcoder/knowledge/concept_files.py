"""Concepts in a file that a person can edit: a table (.tsv) or JSON (.json).

The table has one line a concept; empty lines and lines that begin with # are passed over:

    essential hypertension<TAB>2<TAB>icd10cm:I10 icd9cm:401.9<TAB>HTN | high blood pressure

that is name, layer (1 general, 2 specific), codes, and other wordings, which may be missing. In JSON it is a list of
{"name": …, "layer": …, "codes": […], "wordings": […]}.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from icdcoder import systems
from icdcoder.core import text_file
from icdcoder.core.cache import write_atomic
from icdcoder.core.code import Code
from icdcoder.core.errors import IcdcoderError, InputError
from icdcoder.knowledge.concepts import GENERAL, SPECIFIC, Concept, ConceptSet, key

HEADER = "# name\tlayer (1 general, 2 specific)\tcodes\tother wordings\n"


def read(path: Path, known: Collection[Code] = ()) -> ConceptSet:
    """known: codes that are welcome though the installed edition does not hold them.

    Raises InputError that names the file and the line (or the entry), where something is malformed, a code belongs to
    another edition, or two entries contradict one another.
    """
    seen: dict[tuple[str, ...], tuple[str, Concept]] = {}
    for place, fields in _entries(path):
        try:
            concept = _concept(fields, known)
            before = seen.get(key(concept.name))
            if before is not None:
                _refuse(concept, *before)
            seen[key(concept.name)] = (place, concept)
        except IcdcoderError as error:
            raise InputError(f"{path}, {place}: {error}") from None
    if not seen:
        raise InputError(f"{path} holds no concept.")
    return ConceptSet(tuple(concept for _, concept in seen.values()))


def write(path: Path, concepts: ConceptSet) -> None:
    """In the form that the file's name asks for; `read` gives the same concepts back."""
    if path.suffix == ".json":
        write_atomic(path, json.dumps([to_json(c) for c in concepts], indent=1, ensure_ascii=False) + "\n")
    else:
        write_atomic(path, HEADER + "".join(_line(concept) for concept in concepts))


def to_json(concept: Concept) -> dict[str, Any]:
    return {
        "name": concept.name,
        "layer": concept.layer,
        "codes": [str(code) for code in concept.codes],
        "wordings": list(concept.wordings),
    }


def _line(concept: Concept) -> str:
    cells = (concept.name, str(concept.layer), " ".join(map(str, concept.codes)), " | ".join(concept.wordings))
    return "\t".join(cells).rstrip("\t") + "\n"


def _entries(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    text = text_file.read(path)
    if path.suffix == ".json":
        yield from _from_json(path, text)
        return
    for number, line in text_file.entries(text):
        cells = [cell.strip() for cell in line.split("\t")]
        if not 3 <= len(cells) <= 4:
            raise InputError(
                f"{path}, line {number}: it has {len(cells)} columns instead of 3 or 4 (name, layer, codes and other "
                "wordings, tabs between them)."
            )
        words = [text.strip() for text in cells[3].split("|")] if len(cells) == 4 and cells[3] else []
        yield f"line {number}", {"name": cells[0], "layer": cells[1], "codes": cells[2].split(), "wordings": words}


def _from_json(path: Path, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        body = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON: line {error.lineno}, {error.msg}.") from None
    if not isinstance(body, list) or not all(isinstance(entry, dict) for entry in body):
        raise InputError(f"{path} is not a list of concepts, each with name, layer and codes.")
    for number, entry in enumerate(body, start=1):
        lists = (entry.get("codes"), entry.get("wordings", []))
        if not all(isinstance(found, list) and all(isinstance(t, str) for t in found) for found in lists):
            raise InputError(f"{path}, entry {number}: codes and wordings are lists of texts.")
        yield f"entry {number}", {"wordings": [], **entry}


def _concept(fields: Mapping[str, Any], known: Collection[Code]) -> Concept:
    unknown = sorted(set(fields) - {"name", "layer", "codes", "wordings"})
    if unknown:
        raise InputError(f"A concept has no {unknown[0]!r}; it has name, layer, codes and wordings.")
    name = fields.get("name")
    if not isinstance(name, str) or not key(name):
        raise InputError("The concept has no name.")
    layer = str(fields.get("layer"))
    if layer not in (str(GENERAL), str(SPECIFIC)):
        raise InputError(f"The layer of {name!r} is {layer!r}; it is 1 (general) or 2 (specific).")
    if not all(key(text) for text in fields["wordings"]):
        raise InputError(f"A wording of {name!r} is empty; they are written a | b | c.")
    codes = tuple(_code(text, known) for text in fields["codes"])
    if not codes or len(set(codes)) != len(codes):
        raise InputError(f"{name!r} needs one or more codes, each once, as in 'icd9cm:401.9 icd10cm:I10'.")
    return Concept(" ".join(name.split()), int(layer), codes, tuple(fields["wordings"]))


def _code(text: str, known: Collection[Code]) -> Code:
    code = Code.parse(text)
    return code if code in known else systems.load(code.system).canonical(code.value)


def _refuse(concept: Concept, place: str, before: Concept) -> None:
    if (concept.layer, set(concept.codes)) == (before.layer, set(before.codes)):
        raise InputError(f"The concept {concept.name!r} stands at {place} already; join their wordings in one.")
    raise InputError(
        f"The concept {concept.name!r} contradicts {place}, which gives it layer {before.layer} and "
        f"{_few(before.codes)}; here it has layer {concept.layer} and {_few(concept.codes)}."
    )


def _few(codes: Sequence[Code]) -> str:
    return " ".join(map(str, codes[:4])) + (f" and {len(codes) - 4} more" if len(codes) > 4 else "")


def trusted(entries: list[dict[str, Any]]) -> ConceptSet:
    """Concepts as `to_json` gives them, out of a folder of ours; their codes are not looked up in any edition."""
    return ConceptSet(
        tuple(
            Concept(e["name"], int(e["layer"]), tuple(map(Code.parse, e["codes"])), tuple(e["wordings"]))
            for e in entries
        )
    )
