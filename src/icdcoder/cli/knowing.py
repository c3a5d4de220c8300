"""What `icdcoder knowledge` does and prints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from icdcoder.cli.screen import Bars, counted, out, say
from icdcoder.core.config import build as build_settings
from icdcoder.endpoint.chat import Endpoint, EndpointConfig
from icdcoder.knowledge import builder
from icdcoder.knowledge.building.comparison import compare
from icdcoder.systems import code_lists

SHOWN = 5


@dataclass(frozen=True)
class Request:
    """The options of `icdcoder knowledge build`."""

    codes: str
    endpoint: str
    model: str
    output: str
    kind: str
    per_kind: int
    question: str | None
    key_variable: str | None
    timeout: float
    max_tokens: int
    attempts: int
    allow_public: bool
    again: bool


def build_knowledge(request: Request) -> None:
    """Asks for all codes of the request and says what came of it."""
    codes = code_lists.read(Path(request.codes))
    settings = {
        "url": request.endpoint,
        "model": request.model,
        "key_variable": request.key_variable,
        "timeout": request.timeout,
        "max_tokens": request.max_tokens,
        "attempts": request.attempts,
        "allow_public": request.allow_public,
    }
    built = builder.build(
        codes,
        Endpoint(build_settings(EndpointConfig, settings, "endpoint")),
        Path(request.output),
        kind=request.kind,
        per_kind=request.per_kind,
        question=None if request.question is None else builder.question_named(request.question),
        again=request.again,
        progress=Bars(),
    )
    say(f"{built.texts} texts for {built.codes} of {len(codes)} codes; {built.asked} questions were asked.")
    for reason, count in built.dropped.items():
        say(f"  {count:>6}  left out: {reason}")
    if built.cut:
        say(f"  {counted(built.cut, 'answer')} cut by --max-tokens; a larger one with --again asks for the rest.")
    if built.without:
        say(f"  without any: {', '.join(map(str, built.without))}")
    if built.kept:
        say(f"  {built.kept} codes without a new answer keep their earlier lines.")
    if built.ambiguous:
        say(f"  {len(built.ambiguous)} were given for several codes, such as: {', '.join(built.ambiguous[:SHOWN])}")
    out().print(str(built.path), markup=False)


def show_difference(built: str, *, lists: bool) -> None:
    from rich.table import Table

    path = Path(built)
    differences = compare(path / "medical_expressions.tsv" if path.is_dir() else path)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("code", no_wrap=True)
    for title in ("in both", "only built", "only icdcoder's", "of other codes"):
        table.add_column(title, justify="right")
    for found in differences:
        numbers = (found.shared, len(found.new), len(found.missing), len(found.elsewhere))
        table.add_row(str(found.code), *map(str, numbers))
    out().print(table)
    for found in differences if lists else ():
        out().print(f"\n{found.code}", markup=False)
        for text in found.new:
            other = found.elsewhere.get(text)
            out().print(f"  + {text}{f'   (icdcoder has it for {other})' if other else ''}", markup=False)
        for text in found.missing:
            out().print(f"  - {text}", markup=False)
