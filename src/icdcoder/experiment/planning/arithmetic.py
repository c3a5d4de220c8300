"""FLOPs of one operation, from the shapes of what it takes and gives. A multiplication and an addition are two.

matrix product "n k" · "k m"                        2 n k m
convolution of c channels to f, kernel k, places p   2 p k c f
attention of t queries to s keys, h heads of d       4 h t s d; backward 10 h t s d (five products, one computed
                                                     anew)
LSTM over t tokens, w wide, to d                     8 t d (w + d); backward twice that
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count

aten = torch.ops.aten


def flops_of(func: Any, args: Any, kwargs: Any, out: Any) -> int:
    """0 for what is no product: its time is that of its memory traffic."""
    packet = func._overloadpacket
    if packet is aten._scaled_dot_product_flash_attention_for_cpu:
        return sdpa_flop_count(args[0].shape, args[1].shape, args[2].shape)
    if packet is aten._scaled_dot_product_flash_attention_for_cpu_backward:
        return sdpa_backward_flop_count(args[0].shape, args[1].shape, args[2].shape, args[3].shape)
    if packet is aten.mkldnn_rnn_layer:
        return _recurrence(args[0].numel(), args[1:3])
    if packet is aten.mkldnn_rnn_layer_backward:
        return 2 * _recurrence(args[0].numel(), args[1:3])
    counted = flop_registry.get(packet)
    return 0 if counted is None else int(counted(*args, **kwargs, out_val=out))


def _recurrence(numbers: int, weights: Any) -> int:
    """numbers: of the input, "token width" of all notes. weights: "gate width" from the input, "gate hidden"."""
    inner, outer = weights
    tokens = numbers // inner.shape[1]
    return 2 * tokens * (inner.numel() + outer.numel())


def lstm_workspace(states: Any, inner: Any, outer: Any) -> int:
    """Bytes that oneDNN keeps of one direction for the backward pass; fitted to what it asked for at six sizes."""
    tokens, width, hidden = states.numel() // states.shape[-1], inner.shape[1], outer.shape[1]
    return tokens * (44 * hidden + 16 * max(width, hidden) + 16 * width // 3)
