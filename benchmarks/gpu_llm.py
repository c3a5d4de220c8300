"""A large language model on a GPU, as frozen states and in LoRA training, against the matrix peak and the planner.

    python -m benchmarks gpu_llm [--notes 4] [--tokens 4096] [--turns 5] [--toy]

The shapes are those of LLaMA-2-7B in bf16 with weights drawn at random: speed and memory are those of the real model,
and nothing has to be had but the GPU. Measured are

    matrix peak      the fastest of several large bf16 products, which is what a share is a share of
    frozen states    the forward pass that LLAMA2-R reads its states from
    LoRA training    forward, backward and optimiser step of LLAMA2-C with gradient checkpointing, 50 codes

A share counts the FLOPs that the pass must do: causal attention as full attention, and in training the products of the
recomputed forward pass too, as the hardware does them; the share without those stands beside it. Peak memory is the
most that torch's allocator gave out, beside what `icdcoder plan` says. --toy: a tiny model on whatever there is, to see
that the script works.
"""

from __future__ import annotations

import argparse
import datetime
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from icdcoder import systems
from icdcoder.core.label_space import LabelSpace
from icdcoder.experiment.planning.plan import Memory, Work, scoring_memory, step_memory
from icdcoder.experiment.planning.published_shapes import SHAPES
from icdcoder.experiment.planning.rehearsal import emptied
from icdcoder.models import llm_classifier
from icdcoder.nn.contract import Batch, ModelContext
from icdcoder.train.optimiser import build as build_optimiser
from icdcoder.train.steps import binary_cross_entropy

CODES = 50
TOY = {"vocab_size": 500, "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 3}
TOY_HEADS = {"num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 512}


@dataclass(frozen=True)
class Measured:
    """seconds: of one pass over the batch, the median. flops: that the pass does; useful: without recomputing.
    peak, planned: bytes."""

    name: str
    seconds: float
    flops: float
    useful: float
    peak: float
    planned: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--toy", action="store_true")
    parser.add_argument("--quick", action="store_true", help=argparse.SUPPRESS)  # every benchmark takes it
    options = parser.parse_args()
    gpu = torch.cuda.is_available()
    if not gpu and not options.toy:
        print("There is no GPU here: nothing is measured (--toy runs a tiny model on the CPU).")
        return
    device = torch.device("cuda" if gpu else "cpu")
    if options.toy:
        options.notes, options.tokens, options.turns = 2, 128, 1
    shape = {**SHAPES["llama-2-7b"], **(TOY | TOY_HEADS if options.toy else {})}
    name = torch.cuda.get_device_name() if gpu else "CPU"
    print(f"{datetime.date.today():%Y-%m-%d}, {name}, torch {torch.__version__}, toy sizes: {options.toy}")
    peak = matrix_peak(device, 512 if options.toy else 8192, options.turns)
    print(f"matrix peak, measured: {peak / 1e12:.3g} TFLOP/s at bf16")
    rows = [frozen_states(shape, device, options), lora_training(shape, device, options)]
    print_table(rows, peak, options)


def matrix_peak(device: torch.device, size: int, turns: int) -> float:
    """FLOP/s of the fastest of a few products "size, size"."""
    left = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    right = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    for _ in range(3):
        left @ right
    return 2 * size**3 / min(_seconds(lambda: left @ right, device) for _ in range(4 * turns))


def frozen_states(shape: dict[str, Any], device: torch.device, options: argparse.Namespace) -> Measured:
    model, light = _models(shape, device, tuning="frozen")
    batch = _batch(shape, options)
    memory, work = scoring_memory(light, batch)
    model.eval()
    there = batch.to(device)

    def once() -> None:
        with torch.inference_mode():
            model(there)

    return _measured("frozen states", once, work, memory, device, options.turns, work.flops_a_note * options.notes)


def lora_training(shape: dict[str, Any], device: torch.device, options: argparse.Namespace) -> Measured:
    model, light = _models(shape, device, tuning="lora", gradient_checkpointing=True)
    batch = _batch(shape, options)
    memory, work = step_memory(light, batch, half=True)
    forward = scoring_memory(light, batch, half=True)[1]
    there = batch.to(device)
    model.train()
    optimiser = build_optimiser("adamw", model.parameters(), learning_rate=1e-4)

    def once() -> None:
        with torch.autocast(device.type, torch.bfloat16):
            scores = model(there)
        binary_cross_entropy(scores, there).backward()
        optimiser.step()
        optimiser.zero_grad()

    useful = (work.flops_a_note - forward.flops_a_note) * options.notes
    return _measured("LoRA training", once, work, memory, device, options.turns, useful)


def print_table(rows: list[Measured], peak: float, options: argparse.Namespace) -> None:
    print(f"| {options.notes} notes of {options.tokens} tokens | notes/s | TFLOP/s | share of the peak | share, useful "
          "| peak memory | planned | ratio |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        rate = row.flops / row.seconds
        memory = f"{row.peak / 1e9:.2f} GB" if row.peak else "not measured"
        ratio = f"{row.planned / row.peak:.3f}" if row.peak else ""
        print(
            f"| {row.name} | {options.notes / row.seconds:.3g} | {rate / 1e12:.3g} | {rate / peak:.1%} "
            f"| {row.useful / row.seconds / peak:.1%} | {memory} | {row.planned / 1e9:.3g} GB | {ratio} |"
        )
    sys.stdout.flush()


def _models(shape: dict[str, Any], device: torch.device, **settings: Any) -> tuple[nn.Module, nn.Module]:
    """The model with random weights on the device, and the one that is rehearsed."""
    described = {"config": shape, "prefix": [1], "suffix": []}
    config = llm_classifier.Config(architecture=described, weights="bfloat16", **settings)
    space = LabelSpace(list(systems.load("icd10cm").billable())[:CODES])
    context = ModelContext(shape["vocab_size"], space)
    with torch.device("meta"):
        light = emptied(llm_classifier.build(config, context))
    with torch.device(device):
        torch.manual_seed(0)
        model = llm_classifier.build(config, context)
    return model.to(device), light


def _batch(shape: dict[str, Any], options: argparse.Namespace) -> Batch:
    """Notes of one length; a special token before each makes it `tokens` long."""
    length = options.tokens - 1
    read = torch.randint(3, shape["vocab_size"], (options.notes, length))
    return Batch(read, torch.ones_like(read, dtype=torch.bool), (torch.rand(options.notes, CODES) < 0.1).float())


def _measured(
    name: str, once: Callable[[], None], work: Work, memory: Memory, device: torch.device, turns: int, useful: float
) -> Measured:
    once()
    once()
    peak = 0.0
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds = statistics.median(_seconds(once, device) for _ in range(turns))
    if device.type == "cuda":
        peak = float(torch.cuda.max_memory_allocated())
    return Measured(name, seconds, work.flops_a_note * work.notes, useful, peak, memory.peak)


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    _wait(device)
    start = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
