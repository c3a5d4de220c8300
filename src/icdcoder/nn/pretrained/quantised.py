"""Pretrained weights in 8 or 4 bits, under adapters or frozen.

    int8    one scale a row; outliers of the states stay in 16 bits (Dettmers et al. 2022, LLM.int8(), arXiv 2208.07339)
    nf4     16 levels at quantiles of the normal distribution, a scale for 64 weights, the scales quantised again
            (Dettmers et al. 2023, QLoRA, arXiv 2305.14314): 4.13 bits a weight

The library is bitsandbytes: with it, gradients pass through both kinds to the adapters, on CUDA and on a CPU; torchao's
4-bit weights are for inference only (as transformers 5 has them). Weights are quantised where they were loaded, before
they go to the accelerator.
"""

from __future__ import annotations

import warnings
from typing import Any, Literal

import torch
from torch import Tensor, nn

from icdcoder.core.errors import ConfigError, MissingExtraError

Base = Literal["int8", "nf4"]
# Beyond this a state is an outlier, as the paper has it.
OUTLIER = 6.0
# 4 a weight, 8 for a block of 64 (its scale), 32 for 256 blocks (the scale of the scales).
BITS_OF_NF4 = 4 + 8 / 64 + 32 / (64 * 256)


def quantise(model: nn.Module, base: Base) -> None:
    """Replaces, in place, every linear layer of which no weight is trained.

    On the device "meta" a layer is replaced by one of the same size in memory, which `icdcoder plan` counts.
    Raises MissingExtraError without bitsandbytes, ConfigError where there is nothing to quantise.
    """
    places = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if type(child) is nn.Linear and not any(weight.requires_grad for weight in child.parameters())
    ]
    if not places:
        raise ConfigError(f"'model.base' is {base!r}, and every linear layer is trained: use model.tuning = 'lora'.")
    light = all(child.weight.is_meta for _, _, child in places)
    if not light:
        _require_library(base)
    for parent, name, child in places:
        setattr(parent, name, StandIn(child, base) if light else _quantised(child, base))


class StandIn(nn.Module):
    """A quantised layer without content: the bytes that it takes, and the whole weights that it makes while it is
    computed. Its `weights` counts numbers, of which each takes less than a byte or little more."""

    def __init__(self, layer: nn.Linear, base: Base) -> None:
        super().__init__()
        rows, columns = layer.weight.shape
        size = rows * columns + 4 * rows if base == "int8" else rows * columns * BITS_OF_NF4 / 8
        self.weights, self.shape = rows * columns, (rows, columns)
        self.packed = nn.Parameter(layer.weight.new_empty(round(size / 2), dtype=torch.float16), requires_grad=False)
        self.bias = layer.bias

    def forward(self, states: Tensor) -> Tensor:
        found: Tensor = _Unpacked.apply(states, self.packed, self.shape)
        return found if self.bias is None else found + self.bias


class _Unpacked(torch.autograd.Function):
    """The product with weights that are unpacked for it, and once more for the gradient of the states."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, packed: Tensor, shape: tuple[int, int]) -> Tensor:
        ctx.save_for_backward(packed)
        ctx.shape = shape
        return states @ packed.new_empty(shape, dtype=states.dtype).t()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (packed,) = ctx.saved_tensors
        return gradient @ packed.new_empty(ctx.shape, dtype=gradient.dtype), None, None


def _require_library(base: Base) -> None:
    try:
        import bitsandbytes  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise MissingExtraError("quant", f"A base of {base} weights") from None


def plain_weight(part: nn.Module, name: str) -> Tensor:
    """The weight `name` of a module, as floating-point numbers also where it is quantised."""
    path, _, last = name.rpartition(".")
    owner: Any = part.get_submodule(path)
    weight: Any = getattr(owner, last)
    if last != "weight" or weight.dtype not in (torch.int8, torch.uint8):
        return weight.data
    if weight.dtype == torch.int8:
        scales = owner.state.SCB if weight.SCB is None else weight.SCB
        return (weight.data.float() * scales.float()[:, None] / 127).to(torch.bfloat16)
    from bitsandbytes.functional import dequantize_4bit  # pyright: ignore[reportMissingImports]

    return dequantize_4bit(weight.data, weight.quant_state).to(torch.bfloat16)


def _quantised(layer: nn.Linear, base: Base) -> nn.Module:
    import bitsandbytes  # pyright: ignore[reportMissingImports]

    quantised: Any = bitsandbytes.nn  # it names neither what it exports nor what its classes take
    sizes, bias, device = (layer.in_features, layer.out_features), layer.bias is not None, layer.weight.device
    if base == "int8":
        made: Any = quantised.Linear8bitLt(*sizes, bias=bias, has_fp16_weights=False, threshold=OUTLIER)
        weight: Any = quantised.Int8Params(layer.weight.data, requires_grad=False, has_fp16_weights=False)
    else:
        made = quantised.Linear4bit(
            *sizes, bias=bias, compute_dtype=layer.weight.dtype, compress_statistics=True, quant_type="nf4"
        )
        # Else bitsandbytes packs the weights anew on some CPUs when it first scores, and only rows in multiples of 32.
        made.support_avx512bf16_for_cpu = False
        weight = quantised.Params4bit(layer.weight.data, requires_grad=False, quant_type="nf4", module=made)
    made.weight = weight
    if layer.bias is not None:
        made.bias = nn.Parameter(layer.bias.data, requires_grad=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = made.to(device)
    # Scales come from the weights, which a run does not save (TokenEncoder.fixed) and a coder saves dequantised.
    made.register_state_dict_post_hook(_without_scales)
    return made


def _without_scales(layer: nn.Module, state: dict[str, Any], prefix: str, _: object) -> None:
    for key in [key for key in state if key.startswith(prefix) and key[len(prefix) :] not in ("weight", "bias")]:
        del state[key]
