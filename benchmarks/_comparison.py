"""Side by side: seconds and peak memory of several ways to compute the same thing.

Times are taken in one process, the ways taking turns, so that another load of the machine meets all of them; what is
compared is the median of the ratios of a turn. Peak memory is taken in a fresh process for each way. Where the work is
so large that it should be done once only, both are taken in that process (`cost_in_new_process`).
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Work = Callable[[], Any]


def take_turns(ways: Mapping[str, Work], turns: int) -> dict[str, list[float]]:
    """Seconds of each way in each turn, after one turn to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + 1):
        for name, work in ways.items():
            start = time.perf_counter()
            work()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def median_ratio(base: list[float], other: list[float]) -> float:
    return statistics.median(b / o for b, o in zip(base, other, strict=True))


def peak_in_new_process(script: str, *arguments: str) -> float:
    """Megabytes that `script --peak …` needs for its work, beyond what it had before; it calls `print_peak`."""
    found = subprocess.run([sys.executable, script, "--peak", *arguments], check=True, capture_output=True, text=True)
    return float(json.loads(found.stdout)["megabytes"])


def print_peak(work: Work) -> None:
    """Does the work once and prints by how much it raised the peak of this process."""
    before = _peak()
    work()
    print(json.dumps({"megabytes": _peak() - before}))


def cost_in_new_process(script: str, *arguments: str) -> tuple[float, float]:
    """(seconds, megabytes) of one run of the work of `script --cost …`, which calls `print_cost`."""
    found = subprocess.run(
        [sys.executable, script, "--cost", *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    cost = json.loads(found.stdout)
    return cost["seconds"], cost["megabytes"]


def print_cost(first: Work, work: Work) -> None:
    """Does the work once, after a first and smaller one, and prints how long it took and how much more than at the
    beginning this process has held."""
    forget_peak()
    before = _held()
    first()
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "megabytes": _peak() - before}))


def report(title: str, seconds: Mapping[str, list[float]], megabytes: Mapping[str, float], base: str = "plain") -> None:
    print(title)
    for name, times in seconds.items():
        line = f"  {name:<8} {statistics.median(times):8.3f} s  {median_ratio(seconds[base], times):6.2f} × as fast"
        if name in megabytes:
            line += f"  {megabytes[name]:7.0f} MB  {megabytes[name] / megabytes[base]:5.2f} of the memory"
        print(line, flush=True)


def forget_peak() -> None:
    """Begins the peak of this process anew, where the system can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _held() -> float:
    """Megabytes that this process holds now; where the system does not say, the most that it held so far."""
    return _of_status("VmRSS") or _peak()


def _peak() -> float:
    """Megabytes of the largest resident size of this process so far."""
    peak = _of_status("VmHWM")  # getrusage would count what the parent had when it started this process
    if peak is not None:
        return peak
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def _of_status(entry: str) -> float | None:
    status = Path("/proc/self/status")
    found = re.search(rf"{entry}:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1e3 if found else None
