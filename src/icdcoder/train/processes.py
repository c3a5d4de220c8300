"""One process or many: how training runs under `accelerate launch` and torchrun, and what its processes share."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import torch
from torch import Tensor, nn

from icdcoder.core.errors import ConfigError

if TYPE_CHECKING:
    from accelerate import Accelerator

T = TypeVar("T")

# Wrappers that split the weights over processes keep them in a form that our checkpoints do not know.
WHOLE_MODEL = ("NO", "MULTI_CPU", "MULTI_GPU", "MULTI_XPU", "MULTI_NPU", "MULTI_MLU", "MULTI_HPU")


def start(precision: Literal["no", "bf16", "fp16"], *, cpu: bool = False) -> Accelerator:
    """The Accelerator of this process, as its launcher's environment variables say; alone where there is none.

    cpu: stay on the CPU although there is an accelerator. Raises ConfigError where the precision or the way of
    distributing is not possible.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState
    from accelerate.utils import GradientAccumulationPlugin

    cpu = cpu or not torch.accelerator.is_available()
    # Accelerate keeps one state a process, and refuses a second training with another precision or device.
    AcceleratorState._reset_state(reset_partial_state=not torch.distributed.is_initialized())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="OMP_NUM_THREADS")
        accelerator = Accelerator(
            cpu=cpu,
            mixed_precision=precision,
            # Said in full, as otherwise an environment variable of the launcher would win over the configuration.
            gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
        )
    if accelerator.distributed_type.value not in WHOLE_MODEL:
        raise ConfigError(
            f"Training cannot run under {accelerator.distributed_type.value}: launch it for data parallelism "
            "(accelerate launch --multi_gpu, or torchrun)."
        )
    if precision == "fp16" and accelerator.device.type == "cpu":
        raise ConfigError("'train.precision' is 'fp16', which needs an accelerator: use 'bf16' or 'no' on a CPU.")
    return accelerator


def release(model: nn.Module) -> None:
    """Takes from a module what Accelerate added to it, so that it can be used and trained as before."""
    for name in ("forward", "_original_forward", "_is_accelerate_prepared"):
        model.__dict__.pop(name, None)


def share_buffers(model: nn.Module) -> None:
    """Gives every process the main one's buffers: running statistics of batch normalisation differ otherwise."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        for buffer in model.buffers():
            torch.distributed.broadcast(buffer, src=0)


def gathered(accelerator: Accelerator, value: Any) -> list[Any]:
    """The value of every process, in their order."""
    if accelerator.num_processes == 1:
        return [value]
    from accelerate.utils import gather_object

    return gather_object([value])


def summed(accelerator: Accelerator, tensor: Tensor) -> Tensor:
    """The sum over processes, in every process."""
    if accelerator.num_processes > 1:
        torch.distributed.all_reduce(tensor)
    return tensor


def from_main(accelerator: Accelerator, value: T) -> T:
    """The main process's value, in every process."""
    if accelerator.num_processes == 1:
        return value
    from accelerate.utils import broadcast_object_list

    return broadcast_object_list([value])[0]
