"""python -m icdcoder.cli"""

from __future__ import annotations

from icdcoder.cli import main

main()
