from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from icdcoder.core.errors import ConfigError, InputError
from icdcoder.nn.asking.yes_no import Answers, Asked, YesNoModel, train_yes_no
from icdcoder.nn.pretrained.loading import load_pretrained

TINY = {
    "model_type": "llama",
    "vocab_size": 60,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 40,
}
YES, NO = 50, 51


def fresh(limit: int | None = None) -> YesNoModel:
    torch.manual_seed(0)
    pretrained = load_pretrained(None, {"config": TINY, "prefix": [], "suffix": []}, 60, writes=True)
    return YesNoModel(pretrained.model.eval(), Answers((), YES, NO), limit)


def test_a_probability_is_the_softmax_over_the_two_words() -> None:
    model = fresh()
    asked = Asked([1, 2, 3], [[4, 5], [6]])
    logits = torch.stack([model.model(input_ids=torch.tensor([[1, 2, 3, *q]])).logits[0, -1] for q in asked.questions])
    expected = torch.softmax(logits[:, [YES, NO]], 1)[:, 0].detach().numpy()
    np.testing.assert_allclose(model.probabilities(asked), expected, atol=1e-5)
    assert model.probabilities(Asked([1], [])).shape == (0,)


@pytest.mark.parametrize("kind", ["llama", "gemma2"])
def test_odds_are_not_rounded_to_half_precision(kind: str) -> None:
    """Gemma 2 caps its logits behind the output layer."""
    config = {**TINY, "model_type": kind} | ({"head_dim": 8, "num_key_value_heads": 2} if kind == "gemma2" else {})
    torch.manual_seed(0)
    loaded = load_pretrained(None, {"config": config, "prefix": [], "suffix": []}, 60, weights="bfloat16", writes=True)
    network = loaded.model.eval()
    output = network.get_output_embeddings()
    assert isinstance(output, torch.nn.Linear)
    cap = getattr(network.config, "final_logit_softcapping", None)
    with torch.no_grad():
        output.weight[[YES, NO]] = 20 + torch.rand(2, 16).bfloat16()  # as high as the likeliest words of a large model
    states: list[torch.Tensor] = []
    output.register_forward_pre_hook(lambda layer, given: states.append(given[0].detach().float()))
    asked = Asked([1, 2, 3], [[n] for n in range(4, 40)])
    with torch.no_grad():
        found = YesNoModel(network, Answers((), YES, NO))(asked)
    logits = states[0][0] @ output.weight[[YES, NO]].float().T
    logits = logits if cap is None else cap * torch.tanh(logits / cap)
    torch.testing.assert_close(found, (logits[:, 0] - logits[:, 1]).detach(), atol=1e-4, rtol=1e-4)
    assert found.dtype == torch.float32


def test_training_goes_through_the_rows_of_the_answers() -> None:
    network = load_pretrained(
        None, {"config": TINY, "prefix": [], "suffix": []}, 60, weights="bfloat16", writes=True
    ).model
    YesNoModel(network, Answers((), YES, NO))(Asked([1, 2], [[4], [5]])).sum().backward()
    gradient = network.get_output_embeddings().weight.grad  # pyright: ignore
    assert gradient is not None
    assert gradient[[YES, NO]].abs().sum() > 0


def test_answers_are_told_apart_by_their_first_token() -> None:
    assert Answers.of([1, 2], [1, 2, 8], [1, 2, 9]) == Answers((), 8, 9)
    # A tokenizer that splits the answers: what both begin with belongs to the question.
    assert Answers.of([1], [1, 7, 8, 5, 6], [1, 7, 9]) == Answers((7,), 8, 9)


def test_answers_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(ConfigError, match="joins an answer"):
        Answers.of([1, 2], [1, 3], [1, 2, 9])
    for yes, no in (([1, 8], [1, 8]), ([1, 8], [1, 8, 9]), ([1], [1, 9])):
        with pytest.raises(ConfigError, match="cannot tell"):
            Answers.of([1], yes, no)


def test_what_both_answers_begin_with_is_read_with_each_question() -> None:
    model = fresh()
    longer = YesNoModel(model.model, Answers((7, 8), YES, NO))
    expected = model.probabilities(Asked([1, 2], [[3, 7, 8], [7, 8]]))
    np.testing.assert_allclose(longer.probabilities(Asked([1, 2], [[3], []])), expected, atol=1e-6)


def test_what_the_model_cannot_read_is_refused() -> None:
    model = fresh(limit=5)
    model.probabilities(Asked([1, 2, 3], [[4, 5]]))
    with pytest.raises(InputError, match="6 tokens, the language model reads 5"):
        model.probabilities(Asked([1, 2, 3], [[4, 5, 6]]))


def epochs(count: int) -> Iterator[list[Asked]]:
    """The answer is yes where the token asked for stands at the end of the text."""
    for epoch in range(count):
        texts = [[1 + epoch % 5, end] for end in (10, 11, 12) for _ in range(2)]
        yield [Asked(text, [[10], [11], [12]], [float(text[-1] == asked) for asked in (10, 11, 12)]) for text in texts]


def test_training_teaches_the_answer() -> None:
    model = fresh()
    losses = train_yes_no(model, epochs(40), count=40, learning_rate=0.02, together=3)
    assert losses[-1] < 0.4 < losses[0]
    assert not model.training
    assert model.probabilities(Asked([3, 11], [[10], [11], [12]])).argmax() == 1


def test_a_diverged_training_says_so() -> None:
    with pytest.raises(InputError, match="diverged"):
        train_yes_no(fresh(), epochs(2), count=2, learning_rate=float("inf"), together=4)
