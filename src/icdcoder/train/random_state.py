"""The states of every random generator that training may draw from, as JSON."""

from __future__ import annotations

import base64
import random
from typing import Any

import numpy as np
import torch


def seed_all(seed: int, process: int = 0) -> None:
    """Seeds Python, NumPy and torch. Each process of a distributed run gets a stream of its own."""
    words = np.random.SeedSequence((seed, process)).generate_state(3)
    random.seed(int(words[0]))
    np.random.seed(int(words[1]))
    torch.manual_seed(int(words[2]))


def capture(device: torch.device) -> dict[str, Any]:
    """The states now: Python's, NumPy's, torch's on the CPU, and on `device` where that is an accelerator."""
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    states: dict[str, Any] = {
        "python": [version, list(words), gauss],
        "numpy": [str(name), np.asarray(keys).tolist(), int(position), int(has_gauss), float(cached)],
        "torch": _encode(torch.get_rng_state()),
    }
    if device.type != "cpu":
        states[device.type] = _encode(torch.get_device_module(device).get_rng_state())
    return states


def restore(states: dict[str, Any], device: torch.device) -> None:
    """Puts back what `capture` gave. The state of an accelerator that is not here is passed over."""
    version, words, gauss = states["python"]
    random.setstate((version, tuple(words), gauss))
    name, keys, position, has_gauss, cached = states["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), position, has_gauss, cached))
    torch.set_rng_state(_decode(states["torch"]))
    if device.type in states and device.type != "cpu":
        torch.get_device_module(device).set_rng_state(_decode(states[device.type]))


def _encode(state: torch.Tensor) -> str:
    return base64.b64encode(state.cpu().numpy().tobytes()).decode("ascii")


def _decode(text: str) -> torch.Tensor:
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)
