"""Commands: one file a command, no logic. `icdcoder.cli.app` finds them by their files."""

from __future__ import annotations


def main() -> None:
    """The entry point of the `icdcoder` command."""
    import os

    # Threads that spin long while they wait slow each other down where the machine has other work to do; threads that
    # sleep at once cost six times the time where waking one is slow, as on virtual machines. So: spin, but briefly.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    from icdcoder.cli.app import run

    run()
