"""Named hardware: what the vendors' datasheets say, and this machine, measured.

tflops: of dense matrix products at 16 bits (bf16, accumulated in 32) and at 32 bits (plain float32, as icdcoder leaves
TF32 off). Sources: NVIDIA's datasheets H200 Tensor Core GPU (SXM), H100 Tensor Core GPU (SXM, dense figures: half of
those "with sparsity"), A100 Tensor Core GPU (SXM), L40S, L4, V100; NVIDIA Ada GPU architecture paper, appendix A
(GeForce RTX 4090), GA102 paper, appendix A (GeForce RTX 3090). V100 has no bf16: its figure is fp16.
"""

from __future__ import annotations

from dataclasses import dataclass

from icdcoder.core.errors import ConfigError, did_you_mean

GB = 10**9
GIB = 2**30
# What of a datasheet's peak large matrix products and large copies reach, and how long the smallest kernel takes.
MATRIX_SHARE, TRAFFIC_SHARE = 0.7, 0.8
LAUNCH_SECONDS = 5e-6


@dataclass(frozen=True, slots=True)
class Hardware:
    """memory: bytes. tflops_16, tflops_32: 10^12 floating-point operations a second. traffic: bytes a second."""

    name: str
    memory: float
    tflops_16: float
    tflops_32: float
    traffic: float
    launch: float = LAUNCH_SECONDS
    measured: bool = False

    def seconds(self, flops: int, traffic: int, bits: int) -> float:
        """Of one kernel: the longest of its arithmetic, its traffic, and its start (a roofline)."""
        peak = (self.tflops_16 if bits <= 16 else self.tflops_32) * 1e12
        share = (1.0, 1.0) if self.measured else (MATRIX_SHARE, TRAFFIC_SHARE)
        return max(flops / (peak * share[0]), traffic / (self.traffic * share[1]), self.launch)


TABLE = {
    row.name: row
    for row in (
        Hardware("h200", 141 * GB, 989, 67, 4.8e12),
        Hardware("h100", 80 * GIB, 989, 67, 3.35e12),
        Hardware("a100-80", 80 * GIB, 312, 19.5, 2.039e12),
        Hardware("a100-40", 40 * GIB, 312, 19.5, 1.555e12),
        Hardware("l40s", 48 * GIB, 362, 91.6, 0.864e12),
        Hardware("l4", 24 * GIB, 121, 30.3, 0.3e12),
        Hardware("v100-32", 32 * GIB, 125, 15.7, 0.9e12),
        Hardware("rtx4090", 24 * GIB, 165.2, 82.6, 1.008e12),
        Hardware("rtx3090", 24 * GIB, 71, 35.6, 0.936e12),
    )
}
CPU = "cpu"


def named(name: str) -> Hardware:
    """Raises ConfigError where there is none of that name. "cpu" measures this machine, for about a second."""
    if name == CPU:
        return this_machine()
    try:
        return TABLE[name]
    except KeyError:
        known = [*TABLE, CPU]
        raise ConfigError(
            f"There is no hardware {name!r} in the table.{did_you_mean(name, known)} Known: {', '.join(known)}."
        ) from None


def this_machine() -> Hardware:
    import os
    import time

    import torch

    def fastest(work: object, times: int = 3) -> float:
        assert callable(work)
        work()
        found = []
        for _ in range(times):
            start = time.perf_counter()
            work()
            found.append(time.perf_counter() - start)
        return min(found)

    size = 1024
    left = torch.randn(size, size)
    half = left.bfloat16()
    large = torch.randn(8_000_000)
    target = torch.empty_like(large)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0.0
    return Hardware(
        name="cpu (this machine, measured)",
        memory=float(memory),
        tflops_16=2 * size**3 / fastest(lambda: half @ half) / 1e12,
        tflops_32=2 * size**3 / fastest(lambda: left @ left) / 1e12,
        traffic=2 * large.nbytes / fastest(lambda: target.copy_(large)),
        launch=2e-6,
        measured=True,
    )
