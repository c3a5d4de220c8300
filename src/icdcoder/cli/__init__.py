"""Commands: one file a command, no logic. `icdcoder.cli.app` finds them by their files."""

from __future__ import annotations


def main() -> None:
    """The entry point of the `icdcoder` command."""
    import logging
    import os

    # Threads that spin long while they wait slow each other down where the machine has other work to do; threads that
    # sleep at once cost six times the time where waking one is slow, as on virtual machines. So: spin, but briefly.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    # Libraries of language models look for files, and for kernels of their own, on a hub unless told not to.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it complains of kernels that it cannot fetch
    from icdcoder.cli.app import run

    run()
