from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from icdcoder.core.errors import InputError
from icdcoder.nn.asking.shared_prefix import in_chunks, logits_after, logits_at_once, pack

ROTARY = {"num_key_value_heads": 2}
# Rotary positions with shared heads, learnt positions, a soft cap on logits, and half-rotary parallel layers.
FAMILIES: dict[str, dict[str, Any]] = {"llama": ROTARY, "gpt2": {}, "gemma2": {**ROTARY, "head_dim": 8}, "gpt_neox": {}}


def model(kind: str) -> torch.nn.Module:
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
    config = AutoConfig.for_model(
        kind, vocab_size=100, max_position_embeddings=256, bos_token_id=1, eos_token_id=2, **sizes, **FAMILIES[kind]
    )
    torch.manual_seed(0)
    made = AutoModelForCausalLM.from_config(config, attn_implementation="eager" if kind == "gemma2" else "sdpa").eval()
    with torch.no_grad():
        for weight in made.parameters():
            if weight.dim() > 1:
                weight.mul_(5)  # freshly drawn weights hardly look at the text
    return made


def drawn(lengths: list[int]) -> list[list[int]]:
    torch.manual_seed(1)
    return [torch.randint(3, 100, (length,)).tolist() for length in lengths]


@torch.no_grad()
def one_by_one(asked: torch.nn.Module, text: list[int], questions: list[list[int]]) -> Tensor:
    return torch.stack([asked(input_ids=torch.tensor([text + question])).logits[0, -1] for question in questions])


@pytest.mark.parametrize("kind", FAMILIES)
def test_every_question_is_answered_as_if_it_stood_alone(kind: str) -> None:
    asked = model(kind)
    text, *questions = drawn([40, 3, 1, 7, 2, 5, 4, 6, 1, 1, 9])
    expected = one_by_one(asked, text, questions)
    assert expected.std(0).mean() > 0.1  # the questions matter
    for chunk in (1, 8, 1024):
        torch.testing.assert_close(logits_after(asked, text, questions, chunk), expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(logits_at_once(asked, text, questions).detach(), expected, atol=1e-4, rtol=0)


def test_the_text_is_read_once_and_its_keys_are_not_repeated() -> None:
    asked = model("llama")
    text, *questions = drawn([50, *[4] * 30])
    read: list[int] = []
    asked.get_submodule("model").register_forward_pre_hook(
        lambda module, arguments, named: read.append(named["input_ids"].numel()), with_kwargs=True
    )
    logits_after(asked, text, questions, 40)
    assert read == [50, 40, 40, 40]


def test_gradients_flow_through_text_and_questions() -> None:
    asked = model("llama")
    text, *questions = drawn([5, 2, 2])
    logits_at_once(asked, text, questions).sum().backward()
    gradient = asked.get_submodule("model.embed_tokens").weight.grad
    assert isinstance(gradient, Tensor)
    assert all(gradient[token].abs().sum() > 0 for token in {*text, *questions[0], *questions[1]})


@settings(max_examples=50, deadline=None)
@given(text=st.integers(0, 20), lengths=st.lists(st.integers(1, 6), min_size=1, max_size=8))
def test_tokens_see_their_own_question_only(text: int, lengths: list[int]) -> None:
    packed = pack(text, [[1] * length for length in lengths])
    assert packed.allowed.sum() == sum(length * (length + 1) // 2 for length in lengths)
    assert packed.positions.tolist() == [text + i for length in lengths for i in range(length)]
    for question, last in enumerate(packed.last.tolist()):
        assert packed.allowed[last].sum() == lengths[question]


@given(lengths=st.lists(st.integers(1, 9), max_size=12), size=st.integers(1, 12))
def test_chunks_keep_order_and_size(lengths: list[int], size: int) -> None:
    questions = [[i] * length for i, length in enumerate(lengths)]
    chunks = list(in_chunks(questions, size))
    assert [question for chunk in chunks for question in chunk] == questions
    assert all(len(chunk) == 1 or sum(map(len, chunk)) <= size for chunk in chunks)


def test_nothing_to_read_is_refused() -> None:
    for empty in ([], [[1], []]):
        with pytest.raises(InputError, match="one token"):
            pack(3, empty)
    with pytest.raises(InputError, match="empty text"):
        logits_after(model("llama"), [], [[1]])
