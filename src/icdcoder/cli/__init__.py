"""Commands: one file a command, no logic. `icdcoder.cli.app` finds them by their files."""

from __future__ import annotations


def main() -> None:
    """The entry point of the `icdcoder` command."""
    from icdcoder.cli.app import run

    run()
