"""Greedy decoding without a constraint: what a language model writes by itself. The other is `constrained_decoding`."""

from __future__ import annotations

import torch

from icdcoder.nn.writing.answer_prefix import AnswerPrefix


def write_freely(prefix: AnswerPrefix, end: int, most: int) -> list[list[int]]:
    """The token numbers of each answer, without its end; cut after `most` tokens. Uses up `prefix`.

    end: the token that ends an answer. An answer that has ended is computed no further.
    """
    answers: list[list[int]] = [[] for _ in range(len(prefix))]
    open_rows = torch.arange(len(prefix), device=prefix.device)
    for place in range(most):
        said = prefix.logits().argmax(1)
        for row, token in zip(open_rows.tolist(), said.tolist(), strict=True):
            if token != end:
                answers[row].append(token)
        going = (said != end).nonzero()[:, 0]
        if not len(going) or place + 1 == most:
            break
        if len(going) < len(open_rows):
            prefix.keep(going)
            open_rows, said = open_rows[going], said[going]
        prefix.say(said[:, None], torch.ones_like(said[:, None], dtype=torch.bool))
    return answers
