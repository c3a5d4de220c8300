from __future__ import annotations

import pytest
import torch

from icdcoder.core.errors import ConfigError
from icdcoder.nn.writing.answer_tokens import AnswerTokens, answer_loss

END = 99


def encode(text: str) -> list[int]:
    return [ord(letter) for letter in text]


def test_codes_are_written_by_falling_frequency_and_end() -> None:
    answers = AnswerTokens(["A1", "B", "C22"], encode, END, [4, 9, 7])
    tokens, mask = answers(torch.tensor([[1.0, 1, 1], [0, 0, 0], [1, 0, 0]]))
    written = [tokens[i][mask[i]].tolist() for i in range(3)]
    assert written == [[*encode("B;C22;A1;"), END], [*encode("none;"), END], [*encode("A1;"), END]]
    assert (tokens[~mask] == END).all()


def test_they_are_the_answers_of_the_trie() -> None:
    answers = AnswerTokens(["A1", "B"], encode, END, None)
    tokens, mask = answers(torch.tensor([[1.0, 1.0]]))
    assert answers.trie.answer([0, 1]) == tokens[0][mask[0]].tolist()
    assert answers.trie.answer([]) == [*encode("none;"), END]


def test_saved_answers_need_no_tokenizer() -> None:
    there = AnswerTokens(["A1", "B"], encode, END, [1, 2])
    here = AnswerTokens(["A1", "B"], None, END, None)
    here.load_state_dict(there.state_dict())
    assert torch.equal(here(torch.ones(1, 2))[0], there(torch.ones(1, 2))[0])
    assert here.trie.paths == there.trie.paths


def test_the_loss_is_a_mean_over_notes_whatever_is_computed_together() -> None:
    torch.manual_seed(0)
    logits, answer = torch.randn(3, 5, 7), torch.randint(0, 7, (3, 5))
    mask = torch.arange(5) < torch.tensor([5, 2, 3])[:, None]
    alone = [answer_loss(logits[i : i + 1], answer[i : i + 1], mask[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(answer_loss(logits, answer, mask), torch.stack(alone).mean())
    other = logits.masked_fill(~mask[..., None], 50.0)
    torch.testing.assert_close(answer_loss(other, answer, mask), answer_loss(logits, answer, mask))


def test_codes_written_alike_are_refused_when_answers_are_to_be_told_apart() -> None:
    answers = AnswerTokens(["A1", "B"], lambda text: [7], END, None)
    with pytest.raises(ConfigError, match="alike"):
        _ = answers.trie
