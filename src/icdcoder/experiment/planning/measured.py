"""What torch's allocator held at most while something was computed in earnest: what a plan is compared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.profiler import ProfilerActivity, profile


def measured_peak(work: Callable[[], object]) -> int:
    """Bytes beside what was alive before, on a CPU, from every request to the allocator while the work is done for a
    second time (the first fills caches)."""
    work()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        work()
    alive = peak = 0
    profiler: Any = found.profiler  # torch's stubs do not know what its events hold
    for event in profiler.kineto_results.events():
        if event.name() == "[memory]":
            alive += event.nbytes()
            peak = max(peak, alive)
    return peak
