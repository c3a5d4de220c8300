"""A rehearsal: a model computes without numbers, and what each operation would cost is counted.

Floating-point tensors have a shape, a type and a lifetime, but no content and no memory (torch's FakeTensor). Whole
numbers and masks are real, as networks ask them how long a note is. So every model is counted by what it does, whatever
it is made of, and a model of seven billion weights is rehearsed in seconds on a laptop. Counted are

    FLOPs      of matrix products, convolutions, attention and recurrences; a multiplication and an addition are two.
               Causal attention counts as full attention (as PaLM's appendix B and most published figures do), and its
               backward pass with the product that a fused kernel computes anew
    traffic    bytes that an operation reads and writes; a view costs none
    memory     bytes alive: a tensor lives from the operation that makes it until nothing refers to it any more, the
               graph of the backward pass included

What kernels set aside for themselves while they run is not seen. Operations are those that torch chooses on a CPU, but
for two (`detours`); its fused attention keeps what flash attention keeps on a GPU.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from icdcoder.experiment.planning.arithmetic import flops_of, lstm_workspace
from icdcoder.experiment.planning.detours import Detours

aten = torch.ops.aten
INDEXING = (aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._unsafe_index.Tensor)


@dataclass(frozen=True, slots=True)
class Operation:
    """One kernel. bits: of the floating-point numbers it computes with (matrix units have a speed for each)."""

    flops: int
    traffic: int
    bits: int


@dataclass
class Rehearsal:
    """operations: in their order. alive: bytes that are held now. peak: the most that was. Weights made outside the
    rehearsal are in neither."""

    operations: list[Operation] = field(default_factory=list)
    alive: int = 0
    peak: int = 0
    _known: set[int] = field(default_factory=set, repr=False)

    @property
    def flops(self) -> int:
        return sum(operation.flops for operation in self.operations)

    def hold(self, tensor: Tensor, made: bool = True) -> None:
        """Counts a tensor until it is gone. made: False for one that was there before, of which there may be views."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes() if made else 0
        if key in self._known:
            return
        self._known.add(key)
        self.alive += size
        self.peak = max(self.peak, self.alive)
        weakref.finalize(storage, self._release, key, size)

    def _release(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.alive -= size


@contextmanager
def rehearsing() -> Iterator[Rehearsal]:
    """Within it, what is computed with the weights of an `emptied` model is counted and never carried out."""
    found = Rehearsal()

    def count(flops: int, traffic: int, bits: int) -> None:
        found.operations.append(Operation(flops, traffic, bits))

    with Detours(count), _Counting(found), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Accessing the data pointer of FakeTensor")  # a look, no use
        yield found


def emptied(model: nn.Module) -> nn.Module:
    """The model, its floating-point weights and buffers without content; works on a model built on the device "meta".

    Whole numbers that are on that device become 0.
    """
    with torch.no_grad():
        replaced: dict[int, Any] = {}
        for module in model.modules():
            for store in (module._parameters, module._buffers):
                for name, tensor in store.items():
                    if tensor is not None:
                        if id(tensor) not in replaced:  # shared weights stay shared
                            replaced[id(tensor)] = _emptied(tensor)
                        store[name] = replaced[id(tensor)]
    return model


def empty(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """A tensor without content."""
    with _fake():
        return torch.empty(shape, dtype=dtype, device="cpu")


class _Counting(TorchDispatchMode):
    """Below autograd and autocast, so that the backward pass and the casts of mixed precision are seen too."""

    def __init__(self, found: Rehearsal) -> None:
        super().__init__()
        self.found = found

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.prim.device.default:  # asked at every step; half of all calls
            return args[0].fake_device if isinstance(args[0], FakeTensor) else args[0].device
        kwargs = kwargs or {}
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        if not any(isinstance(tensor, FakeTensor) for tensor in given):
            return self._real(func, args, kwargs, bool(given))
        if func is aten._local_scalar_dense.default:  # a network asks a number that nobody knows: yes, or one
            return args[0].dtype == torch.bool or 1.0
        for tensor in given:
            self.found.hold(tensor, made=False)
        if func is aten._pack_padded_sequence.default:
            return self._held(_packed(*args))
        if func in INDEXING:
            args = (args[0], _without_masks(args[1]), *args[2:])
        fake = _fake()
        if not all(isinstance(tensor, FakeTensor) for tensor in given) or func in INDEXING:
            args = tree_map(lambda leaf: _as_fake(leaf, fake), args)
            kwargs = {name: tree_map(lambda leaf: _as_fake(leaf, fake), value) for name, value in kwargs.items()}
        with fake:
            out = func(*args, **kwargs)
        if func is aten.mkldnn_rnn_layer.default:
            out = (*out[:3], empty(lstm_workspace(args[0], args[1], args[2]), dtype=torch.uint8))
        return self._held(self._counted(func, args, kwargs, out))

    def _real(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], given: bool) -> Any:
        """What starts from nothing or from whole numbers: carried out, unless floating-point numbers come of it."""
        if not given:
            with _fake():
                shape = func(*args, **kwargs)
            if not isinstance(shape, Tensor) or shape.is_floating_point():
                return self._held(shape)
        with unset_fake_temporarily():
            return self._held(func(*args, **kwargs))

    def _held(self, out: Any) -> Any:
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor):
                self.found.hold(tensor)
        return out

    def _counted(self, func: Any, args: Any, kwargs: Any, out: Any) -> Any:
        made = [leaf for leaf in tree_leaves(out) if isinstance(leaf, Tensor)]
        if func.is_view or not made:
            return out
        read = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        traffic = sum(tensor.numel() * tensor.element_size() for tensor in (*read, *made))
        if func in (aten.embedding.default, aten.index.Tensor, aten._unsafe_index.Tensor):  # reads what it takes
            traffic = 2 * sum(tensor.numel() * tensor.element_size() for tensor in made)
        kinds = [tensor.element_size() for tensor in read if tensor.is_floating_point()]
        bits = 8 * min(kinds, default=4)
        self.found.operations.append(Operation(flops_of(func, args, kwargs, out), traffic, bits))
        return out


_MODE: list[FakeTensorMode] = []


def _fake() -> FakeTensorMode:
    """One for all: tensors of two modes cannot meet."""
    if not _MODE:
        _MODE.append(FakeTensorMode(allow_non_fake_inputs=True))
    return _MODE[0]


def _as_fake(leaf: Any, fake: FakeTensorMode) -> Any:
    return fake.from_tensor(leaf) if isinstance(leaf, Tensor) and not isinstance(leaf, FakeTensor) else leaf


def _emptied(tensor: Tensor) -> Tensor:
    if tensor.is_floating_point():
        found = empty(*tensor.shape, dtype=tensor.dtype)
        if isinstance(tensor, nn.Parameter):
            return nn.Parameter(found, requires_grad=tensor.requires_grad)
        return found
    if tensor.is_meta:
        return torch.zeros(tensor.shape, dtype=tensor.dtype, device="cpu")
    return tensor


def _without_masks(indices: Any) -> list[Tensor | None]:
    """A mask of known content picks a known number of rows."""
    found: list[Tensor | None] = []
    for index in indices:
        if index is not None and index.dtype == torch.bool and not isinstance(index, FakeTensor):
            with unset_fake_temporarily():
                found.extend(index.nonzero(as_tuple=True))
        else:
            found.append(index)
    return found


def _packed(states: Tensor, lengths: Tensor, batch_first: bool) -> tuple[Tensor, Tensor]:
    with unset_fake_temporarily():
        steps = torch.arange(int(lengths.max()))
        sizes = (lengths[:, None] > steps).sum(0)
        rows = int(lengths.sum())
    return empty(rows, *states.shape[2:], dtype=states.dtype), sizes
