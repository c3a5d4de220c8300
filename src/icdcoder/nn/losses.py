"""Training losses: what a model says of a batch, and the batch with its gold, in; one number out."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from icdcoder.core.errors import InputError
from icdcoder.nn.contract import Batch, Scores


def binary_cross_entropy(scores: Scores, batch: Batch) -> Float[Tensor, ""]:
    """Mean over notes × codes of −(y log σ(z) + (1 − y) log(1 − σ(z))), from the logits z, in float32 at least.

    Raises InputError where the batch has no gold.
    """
    if batch.targets is None:
        raise InputError("Training needs notes with gold codes; these have none.")
    logits = scores.logits.float() if scores.logits.itemsize < 4 else scores.logits
    return binary_cross_entropy_with_logits(logits, batch.targets.to(logits.dtype))
