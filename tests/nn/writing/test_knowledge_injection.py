from __future__ import annotations

import torch

from icdcoder.nn.writing.knowledge_injection import FIRST, KnowledgeInjection


def encode(text: str) -> list[int]:
    return [ord(letter) - 96 for letter in text]


def made(*texts: str, most: int = 3) -> KnowledgeInjection:
    return KnowledgeInjection(texts, most, 4, encode, ([30], [31]))


def test_each_text_stands_between_special_tokens_and_is_cut() -> None:
    tokens, mask = made("ab", "", "abcdef").tokens(pad=9)
    assert tokens.tolist() == [[30, 1, 2, 31, 9], [30, 1, 2, 3, 31]]
    assert mask.tolist() == [[True, True, True, True, False], [True] * 5]


def test_nothing_known_changes_nothing() -> None:
    features = torch.randn(2, 3, 4)
    assert torch.equal(made("", "")(features, torch.zeros(0, 4)), features)


def test_a_token_first_takes_up_a_little_of_the_knowledge_most_like_it() -> None:
    knowledge = torch.eye(4) * 30
    features = 4.0 * torch.eye(4)[None, [2]]
    found = made("a")(features, knowledge)
    torch.testing.assert_close(found[0, 0], features[0, 0] + FIRST * knowledge[2], atol=0.01, rtol=0)


def test_half_precision_stays_finite_where_products_are_large() -> None:
    injection = made("a")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = injection(torch.full((1, 2, 4), 300.0).bfloat16(), torch.full((5, 4), 400.0))
    assert found.dtype is torch.bfloat16
    assert torch.isfinite(found).all()


def test_a_table_of_another_size_is_loaded() -> None:
    there = made("abc", "ab")
    here = KnowledgeInjection(["", ""], 3, 4, None, ([30], [31]))
    here.load_state_dict(there.state_dict())
    assert torch.equal(here.texts, there.texts)
