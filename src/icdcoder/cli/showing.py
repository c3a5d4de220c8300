"""What `icdcoder show` prints of a code or a component."""

from __future__ import annotations

from collections.abc import Sequence

from icdcoder.cli.screen import out
from icdcoder.core import components
from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError, UnknownCodeError
from icdcoder.core.prediction import CodePrediction

NOTES = ("inclusion_terms", "includes", "excludes1", "excludes2", "code_first", "use_additional", "code_also")


def show_code(text: str) -> None:
    """Prints every code that the text may mean: "0031" is a diagnosis and a procedure of ICD-9-CM."""
    system, colon, value = text.partition(":")
    names = [system] if colon else ["icd10cm", "icd10pcs", "icd9cm", "icd9pcs"]
    found: list[Code] = []
    problem: UnknownCodeError | None = None
    for name in names:
        try:
            found.append(components.load("systems", name).load().canonical(value if colon else text))
        except UnknownCodeError as error:
            problem = problem or error
    if not found:
        assert problem is not None
        raise _component_meant(text) or problem
    for code in found:
        _print_code(code)


def _component_meant(text: str) -> ConfigError | None:
    """Where what is no code is the name of components."""
    places = [f"{folder}/{text}" for folder in components.FOLDERS if text in components.names(folder)]
    return ConfigError(f"{text} is no code. For the component, say: icdcoder show {places[0]}") if places else None


def _print_code(code: Code) -> None:
    from rich.text import Text

    system = components.load("systems", code.system).load()
    console = out()
    kind = "billable" if system.is_billable(code) else "heading, not billable"
    about = (f"  ({system.title} {system.edition}, {kind})", "dim")
    console.print(Text.assemble((code.value, "bold"), f"  {system.description(code)}", about))
    for heading in (system.chapter(code), system.block(code)):
        if heading is not None:
            console.print(f"  in {heading.id}  {heading.title}", style="dim", markup=False)
    for above in reversed(system.ancestors(code)):
        console.print(f"  in {above.value}  {system.description(above)}", style="dim", markup=False)
    for name in NOTES:
        lines = getattr(system, name)(code)
        if lines:
            console.print(f"  {name.replace('_', ' ')}: {_joined(lines)}", markup=False)
    below = system.children(code)
    for child in below[:20]:
        console.print(f"  {child.value}  {system.description(child)}", markup=False)
    if len(below) > 20:
        console.print(f"  … and {len(below) - 20} more", style="dim")
    _print_mapping(code)
    _print_expressions(code)


def _joined(lines: Sequence[str]) -> str:
    """Notes in one line; one that ends in a colon leads over to the next."""
    return "; ".join(lines).replace(":; ", ": ")


def _print_mapping(code: Code) -> None:
    from icdcoder.systems.mapping import map_codes

    other = {"icd9cm": "icd10cm", "icd10cm": "icd9cm"}.get(code.system)
    for mapped in map_codes(code, other) if other else ():
        if mapped.target is not None:
            out().print(f"  {'≈' if mapped.approximate else '='} {mapped.target}  (GEMs)", markup=False)


def _print_expressions(code: Code) -> None:
    from icdcoder.knowledge import expressions

    known = expressions.load(code.system).get(code)
    if known:
        words = ", ".join(expression.text for expression in known[:12])
        out().print(f"  clinicians write: {words}{' …' if len(known) > 12 else ''}", markup=False)


def show_component(folder: str, kind: str) -> None:
    """Prints a component's docstring and its settings with their defaults."""
    module = components.load(folder, kind)
    console = out()
    console.print(f"[bold]{folder}/{kind}[/bold]")
    console.print((module.__doc__ or "").strip(), markup=False)
    config = getattr(module, "Config", None)
    if config is None:
        return
    console.print("\nSettings:")
    for name, field in config.model_fields.items():
        default = "required" if field.is_required() else repr(field.default)
        about = f"  {field.description}" if field.description else ""
        console.print(f"  {name} = {default}{about}", markup=False)


def describe(code: CodePrediction) -> str:
    return f"{code.code}  {code.description}"


def parse_code(text: str) -> Code:
    """A typed code in its system's spelling. Raises ConfigError for an unknown system."""
    code = Code.parse(text)
    if code.system not in components.names("systems"):
        raise ConfigError(f"There is no code system {code.system!r}. Known: {', '.join(components.names('systems'))}.")
    return components.load("systems", code.system).load().spell(code.value)
