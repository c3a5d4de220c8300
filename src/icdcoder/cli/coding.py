"""How `icdcoder code` reads, codes and writes, note by note, in bounded memory."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from icdcoder.cli.prediction_table import show
from icdcoder.cli.screen import counted, out, say
from icdcoder.core import components
from icdcoder.core.cache import cache_folder
from icdcoder.core.errors import ConfigError, InputError, did_you_mean
from icdcoder.core.note import Note
from icdcoder.intake import Columns, Refusal, read_notes, require_sources

if TYPE_CHECKING:
    from icdcoder.coder import Coder, Visit

FORMATS = ("table", "jsonl")
SOME_FAILED = 1
NOTES_AT_ONCE = 32
_SEXES: dict[str, Literal["female", "male"]] = {"f": "female", "female": "female", "m": "male", "male": "male"}


@dataclass(frozen=True)
class Request:
    """The options of `icdcoder code`."""

    sources: list[str]
    coder: str = "builtin"
    system: str | None = None
    top: int | None = None
    format: str | None = None
    output: str | None = None
    id_column: str = "id"
    text_column: str = "text"
    rules: bool | None = None
    served: str | None = None
    age: float | None = None
    sex: str | None = None


def code_sources(request: Request) -> int:
    """Codes every note of the request and returns the exit status."""
    sources = require_sources(request.sources)
    _keep_sources(sources, request.output)
    form = _format(request)
    visit = _visit(request)
    with _staying():
        coder = load_coder(request.coder, request.system)
    coded = failed = 0
    with _destination(request.output) as file:
        for note, prediction in _coded(coder, sources, request, visit):
            if prediction is None:
                say(f"icdcoder: {note}")
                failed += 1
                continue
            if prediction.warnings and not prediction.codes and not note.text.strip():
                say(f"icdcoder: note {note.id!r} is empty.")
                failed += 1
            elif prediction.not_coded:
                say(f"icdcoder: note {note.id!r}: {prediction.not_coded}")
                failed += 1
            else:
                coded += 1
            if form == "jsonl":
                print(prediction.to_json_line(), file=file, flush=file is sys.stdout)
            else:
                show(_console(file), note, prediction)
                print(file=file)
    if failed:
        said = f"{counted(failed, 'note')} could not be coded"
        say(
            f"icdcoder: {said}; {coded} {'was' if coded == 1 else 'were'}." if coded else "icdcoder: No note was coded."
        )
    return SOME_FAILED if failed else 0


@contextmanager
def _staying() -> Iterator[None]:
    """What is loaded inside stays to the end; to look through it for garbage takes a tenth of the start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def load_coder(name: str, system: str | None, edition: str | None = None) -> Coder:
    """Raises ConfigError where --system or --edition is given to a coder that has its own."""
    from icdcoder.coder import Coder

    if name == "builtin":
        if not (cache_folder() / "lexicon").exists():
            say("Compiling the code tables and the dictionary; this is done once and takes some seconds …")
        return Coder.builtin(system or "icd10cm", edition or "current")
    if edition is not None:
        raise ConfigError("--edition is for the built-in coder; in a TOML file it is the key edition.")
    if system is not None:
        raise ConfigError("--system is for the built-in coder; a trained coder knows its own code systems.")
    if name == "ranked":
        from icdcoder.predictors.ranked import SHIPPED

        return Coder.load(SHIPPED)
    if not Path(name).exists() and (near := did_you_mean(name, ["builtin", "ranked"])):
        raise ConfigError(f"There is no coder folder {name}.{near}")
    return Coder.load(name)


def load_coder_for(corpus: str, name: str, system: str | None, edition: str | None) -> Coder:
    """As `load_coder`; the built-in coder answers in the edition by which the corpus was coded, and that is said."""
    own = getattr(components.load("corpora", corpus), "EDITION", None)
    if name == "builtin" and edition is None and own is not None:
        say(f"The corpus {corpus} is coded by the edition {own}, and so are the answers; --edition current is today's.")
        edition = own
    return load_coder(name, system, edition)


def _keep_sources(sources: list[str], output: str | None) -> None:
    """Raises ConfigError where the output is one of the files of notes: writing would empty it before it is read."""
    if output is None or not Path(output).exists():
        return
    for source in sources:
        if source != "-" and Path(source).exists() and Path(output).samefile(source):
            raise ConfigError(f"--output {output} is one of the files of notes; name another one.")


def _coded(coder: Coder, sources: list[str], request: Request, visit: Visit) -> Iterator[tuple]:
    columns = Columns(request.id_column, request.text_column)
    items = read_notes(sources, columns)
    while part := list(islice(items, NOTES_AT_ONCE)):
        notes = [item for item in part if isinstance(item, Note)]
        predictions = iter(list(coder.code_all(notes, top=request.top, rules=request.rules, visit=visit)))
        for item in part:
            yield (item, None) if isinstance(item, Refusal) else (item, next(predictions))


def _visit(request: Request) -> Visit:
    """Raises ConfigError where an option of the visit is no date, no age or no sex."""
    from icdcoder.coder import Visit

    if request.rules is False and (request.served or request.age is not None or request.sex):
        raise ConfigError("--date, --age and --sex are for the rules of the code set, which --no-rules leaves out.")
    try:
        served = date.fromisoformat(request.served) if request.served else None
    except ValueError:
        raise ConfigError(f"--date is {request.served!r}; it is written as in 2018-05-01.") from None
    if request.age is not None and not 0 <= request.age <= 130:
        raise ConfigError(f"--age is {request.age:g}; it is the patient's age in years.")
    sex = _SEXES.get((request.sex or "").lower())
    if request.sex and sex is None:
        raise ConfigError(f"--sex is {request.sex!r}; it can be F or M.")
    return Visit(served, request.age, sex)


def _format(request: Request) -> str:
    if request.format is None:
        return "table" if request.output is None else "jsonl"
    if request.format not in FORMATS:
        raise ConfigError(f"--format is {request.format!r}; it can be {' or '.join(FORMATS)}.")
    return request.format


@contextmanager
def _destination(output: str | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    try:
        file = Path(output).open("w", encoding="utf-8")  # noqa: SIM115 (an error of writing is told apart below)
    except OSError as error:
        raise InputError(f"{output} cannot be written: {error.strerror}.") from None
    with file:
        yield file


def _console(file: TextIO):
    if file is sys.stdout:
        return out()
    from rich.console import Console

    return Console(file=file, width=160, highlight=False)
