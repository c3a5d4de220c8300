"""`make bench`: every benchmark, one after the other; `python -m benchmarks NAME [--quick]` runs one.

What follows the first option goes to the benchmark: `python -m benchmarks preparation --gigabytes 1`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# Makes data and measures nothing: python -m benchmarks.fake_mimic
TOOLS = {"fake_mimic"}


def main() -> int:
    first = next((i for i, a in enumerate(sys.argv) if i and a.startswith("-")), len(sys.argv))
    arguments, flags = sys.argv[1:first], sys.argv[first:]
    known = sorted(p.stem for p in HERE.glob("*.py") if not p.stem.startswith("_") and p.stem not in TOOLS)
    status = 0
    for name in arguments or known:
        if name not in known:
            print(f"There is no benchmark {name!r}. Known: {', '.join(known)}.", file=sys.stderr)
            return 2
        print(f"== {name} ==", flush=True)
        status |= subprocess.run([sys.executable, str(HERE / f"{name}.py"), *flags], check=False).returncode
    return status


if __name__ == "__main__":
    sys.exit(main())
