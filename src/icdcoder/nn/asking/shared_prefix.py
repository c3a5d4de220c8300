"""Many short questions about one long text, asked of a causal language model for little more than one reading of it.

The questions are laid one behind the other into one sequence. Each token attends to the whole text and to the tokens
of its own question up to itself, and to no other question; its position goes on from the end of the text. So every
question is answered as if it stood alone behind the text (equal up to rounding; tests/nn/test_shared_prefix.py), while
the text is read once and its keys and values are held once, not once a question.

Fatemi et al. (PMLR 297, 2026) ask 325 questions of a note of up to 8,192 tokens, each with a reading of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from icdcoder.core.errors import InputError

Tokens = Sequence[int]
# Tokens of questions that are read together: their mask is this wide, and as long as the text with them.
CHUNK = 1024


@dataclass(frozen=True, slots=True)
class Packed:
    """Questions in one sequence. positions: of each token, from the end of the text on. allowed: which token attends
    to which. last: the place of each question's last token."""

    tokens: Int[Tensor, "token"]
    positions: Int[Tensor, "token"]
    allowed: Bool[Tensor, "token token"]
    last: Int[Tensor, "question"]


def pack(text: int, questions: Sequence[Tokens]) -> Packed:
    """text: how many tokens the text has. Raises InputError for an empty question."""
    lengths = torch.tensor([len(question) for question in questions])
    if not len(questions) or bool((lengths == 0).any()):
        raise InputError("A question of a language model needs one token at least.")
    owner = torch.repeat_interleave(torch.arange(len(questions)), lengths)
    start = torch.cumsum(lengths, 0) - lengths
    place = torch.arange(len(owner))
    return Packed(
        tokens=torch.tensor([token for question in questions for token in question]),
        positions=text + place - start[owner],
        allowed=(owner[:, None] == owner) & (place[:, None] >= place),
        last=start + lengths - 1,
    )


def in_chunks(questions: Sequence[Tokens], size: int = CHUNK) -> Iterator[list[Tokens]]:
    """Questions in order, as many together as fit into `size` tokens; one that is longer stands alone."""
    together: list[Tokens] = []
    taken = 0
    for question in questions:
        if together and taken + len(question) > size:
            yield together
            together, taken = [], 0
        together.append(question)
        taken += len(question)
    if together:
        yield together


def logits_at_once(model: torch.nn.Module, text: Tokens, questions: Sequence[Tokens]) -> Float[Tensor, "question word"]:
    """Logits of the word after each question; text and questions are one sequence, so that gradients flow through
    both. The mask grows with the square of the text: for training."""
    device = next(model.parameters()).device
    packed = pack(len(text), questions)
    length = len(text) + len(packed.tokens)
    allowed = torch.zeros(length, length, dtype=torch.bool)
    allowed[: len(text), : len(text)] = torch.ones(len(text), len(text), dtype=torch.bool).tril()
    allowed[len(text) :, : len(text)] = True
    allowed[len(text) :, len(text) :] = packed.allowed
    out = model(
        input_ids=torch.cat([torch.tensor(list(text), dtype=torch.long), packed.tokens])[None].to(device),
        attention_mask=_additive(allowed, model).to(device),
        position_ids=torch.cat([torch.arange(len(text)), packed.positions])[None].to(device),
        logits_to_keep=(len(text) + packed.last).to(device),
        use_cache=False,
    )
    return out.logits[0]


@torch.inference_mode()
def logits_after(
    model: torch.nn.Module, text: Tokens, questions: Sequence[Tokens], chunk: int = CHUNK
) -> Float[Tensor, "question word"]:
    """The same without gradients: the text is read once into a cache, which the questions of a chunk share. Raises
    InputError for an empty text."""
    from transformers import DynamicCache

    if not len(text):
        raise InputError("A language model was asked about an empty text.")
    device = next(model.parameters()).device
    cache = DynamicCache()
    ids = torch.tensor(list(text), dtype=torch.long, device=device)
    model(input_ids=ids[None], past_key_values=cache, use_cache=True, logits_to_keep=1)
    found = []
    for part in in_chunks(questions, chunk):
        packed = pack(len(text), part)
        seen = torch.ones(len(packed.tokens), len(text), dtype=torch.bool)
        out = model(
            input_ids=packed.tokens[None].to(device),
            attention_mask=_additive(torch.cat([seen, packed.allowed], 1), model).to(device),
            position_ids=packed.positions[None].to(device),
            past_key_values=cache,
            logits_to_keep=packed.last.to(device),
            use_cache=True,
        )
        found.append(out.logits[0])
        cache.crop(-len(packed.tokens))
    return torch.cat(found)


def _additive(allowed: Bool[Tensor, "token key"], model: torch.nn.Module) -> Float[Tensor, "1 1 token key"]:
    """As every attention kernel of transformers takes it: 0 where allowed, the least number elsewhere."""
    dtype = next(parameter.dtype for parameter in model.parameters() if parameter.is_floating_point())
    mask = torch.zeros(allowed.shape, dtype=dtype)
    return mask.masked_fill(~allowed, torch.finfo(dtype).min)[None, None]
