"""python -m icdcoder: the same as the command icdcoder."""

from __future__ import annotations

from icdcoder.cli import main

main()
