"""Label attention: the plain formulation, torch's scaled_dot_product_attention, and icdcoder's, side by side.

    python -m benchmarks label_attention [--quick]

"attended" is the width of keys and queries, "hidden" that of the values. Notes have no padding, which would favour
icdcoder. scaled_dot_product_attention is fast only where both widths are equal.
"""

from __future__ import annotations

import argparse
import json

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from _comparison import Work, peak_in_new_process, print_peak, report, take_turns
from icdcoder.nn.label_attention import label_logits

# notes, tokens, codes, attended, hidden
SHAPES = [
    (8, 2_500, 8_922, 50, 50),
    (8, 2_500, 8_922, 300, 300),
    (8, 2_500, 8_922, 512, 1_024),
    (2, 4_000, 8_922, 512, 1_024),
    (8, 2_500, 50, 50, 50),
    (8, 2_500, 50, 512, 1_024),
]
QUICK = [(4, 500, 2_000, 50, 50), (4, 500, 2_000, 300, 300), (4, 500, 50, 50, 50)]


def plain(keys: Tensor, values: Tensor, queries: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    attention = torch.softmax(queries @ keys.transpose(1, 2), 2)
    return (weights * (attention @ values)).sum(2) + bias


def sdpa(keys: Tensor, values: Tensor, queries: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    asked = queries.expand(1, len(keys), *queries.shape)
    read = scaled_dot_product_attention(asked, keys[None], values[None], scale=1.0)[0]
    return (weights * read).sum(2) + bias


def icdcoder(keys: Tensor, values: Tensor, queries: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    mask = torch.ones(keys.shape[:2], dtype=torch.bool)
    return label_logits(keys, values, mask, queries, weights, bias)


WAYS = {"plain": plain, "sdpa": sdpa, "icdcoder": icdcoder}


def work(way: str, shape: tuple[int, ...], backward: bool) -> Work:
    notes, tokens, codes, attended, hidden = shape
    torch.manual_seed(0)
    keys = torch.randn(notes, tokens, attended, requires_grad=backward)
    values = keys if attended == hidden else torch.randn(notes, tokens, hidden, requires_grad=backward)
    queries, weights = (torch.randn(codes, width, requires_grad=backward) for width in (attended, hidden))
    bias = torch.zeros(codes, requires_grad=backward)
    gradient = torch.randn(notes, codes)

    def once() -> None:
        logits = WAYS[way](keys, values, queries * attended**-0.5, weights, bias)
        if backward:
            logits.backward(gradient)
            for leaf in (keys, values, queries, weights, bias):
                leaf.grad = None

    return once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small shapes")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print_peak(work(*json.loads(options.peak)))
        return
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for shape in QUICK if options.quick else SHAPES:
        for backward in (False, True):
            ways = [way for way in WAYS if way != "sdpa" or shape[3] == shape[4]]
            seconds = take_turns({way: work(way, shape, backward) for way in ways}, options.turns)
            megabytes = {way: peak_in_new_process(__file__, json.dumps([way, shape, backward])) for way in ways}
            kind = "forward + backward" if backward else "forward"
            title = "{} notes × {} tokens × {} codes, attended {}, hidden {}".format(*shape)
            report(f"{title}: {kind}", seconds, megabytes)


if __name__ == "__main__":
    main()
