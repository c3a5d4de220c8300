"""The `icdcoder` command. Every file in the folder `commands` is one command, named as its file."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import typer

from icdcoder.core.errors import IcdcoderError

FAILED = 2
INTERRUPTED = 130

app = typer.Typer(
    name="icdcoder",
    help="Reads clinical notes and says which ICD codes they support, and where the evidence stands.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    if version:
        from icdcoder.core.version import VERSION

        typer.echo(f"icdcoder {VERSION}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _add_commands() -> None:
    folder = Path(__file__).parent / "commands"
    for path in sorted(folder.glob("*.py")):
        if not path.stem.startswith("_"):
            module = importlib.import_module(f"icdcoder.cli.commands.{path.stem}")
            name = path.stem.rstrip("_").replace("_", "-")
            if hasattr(module, "group"):  # a command with commands of its own
                app.add_typer(module.group, name=name)
            else:
                app.command(name=name)(module.command)


def run() -> None:
    """Runs the command line. An error of ours is one sentence on standard error, and the exit status is 2."""
    _add_commands()
    try:
        app()
    except IcdcoderError as error:
        print(f"icdcoder: {error}", file=sys.stderr)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        print("icdcoder: stopped. What was finished is kept; the same command goes on from there.", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
