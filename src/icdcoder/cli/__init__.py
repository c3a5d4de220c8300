"""Commands: one file a command, no logic. `icdcoder.cli.app` finds them by their files."""

from __future__ import annotations


def main() -> None:
    """The entry point of the `icdcoder` command."""
    import os

    # Threads that spin while they wait make each other many times slower where the machine has other work to do.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from icdcoder.cli.app import run

    run()
