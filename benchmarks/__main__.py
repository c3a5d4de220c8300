"""`make bench`: every benchmark, one after the other; `python -m benchmarks NAME [--quick]` runs one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    arguments = [a for a in sys.argv[1:] if not a.startswith("-")]
    flags = [a for a in sys.argv[1:] if a.startswith("-")]
    known = sorted(p.stem for p in HERE.glob("*.py") if not p.stem.startswith("_"))
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
