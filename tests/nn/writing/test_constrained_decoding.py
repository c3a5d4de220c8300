"""Constrained decoding: what it gives is what scoring every possible answer, token by token and note by note, gives."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from icdcoder.core.errors import ConfigError
from icdcoder.nn.writing import constrained_decoding
from icdcoder.nn.writing.answer_prefix import AnswerPrefix, after_encoder, after_prompt
from icdcoder.nn.writing.constrained_decoding import decode, sampled
from icdcoder.nn.writing.label_trie import LabelTrie

CODES = ["I10", "I10.1", "I1", "E11.9", "250.00", "25.0"]
KINDS = ["t5", "llama"]
EXACT = {"rtol": 1e-4, "atol": 1e-6}
SAME = {"rtol": 1e-8, "atol": 1e-8}


@pytest.fixture(scope="module", params=KINDS)
def tiny(request: pytest.FixtureRequest, tiny_models: ModuleType) -> tuple[str, Any, Any]:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    kind = request.param
    cut = tiny_models.tokenizer(kind)
    size = max(cut.get_vocab(with_added_tokens=True).values()) + 1
    more = {"decoder_start_token_id": 0, "eos_token_id": 1, "num_decoder_layers": 2} if kind == "t5" else {}
    more |= {"relative_attention_max_distance": 12, "relative_attention_num_buckets": 8} if kind == "t5" else {}
    config = AutoConfig.for_model(kind, **{**tiny_models.settings(kind), "vocab_size": size, **more})
    torch.manual_seed(3)
    auto = AutoModelForSeq2SeqLM if kind == "t5" else AutoModelForCausalLM
    model = auto.from_config(config).eval().double()
    with torch.no_grad():  # random weights say nothing clearly; these prefer some tokens to others
        for weight in model.parameters():
            weight *= 3.0
    return kind, model, cut


def trie_of(cut: Any, codes: list[str], end: int = 1) -> LabelTrie:
    return LabelTrie.build(codes, lambda text: cut.encode(text, add_special_tokens=False).ids, end)


def prompts(cut: Any) -> list[list[int]]:
    texts = [
        "chest pain, atrial fibrillation.",
        "Type 2 diabetes.",
        "Acute kidney injury on lisinopril 10 mg in stable",
    ]
    return [cut.encode(text, add_special_tokens=False).ids for text in texts]


def padded(rows: list[list[int]], side: str) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows)) + 2
    tokens, mask = torch.full((len(rows), width), 5), torch.zeros(len(rows), width, dtype=torch.bool)
    for i, row in enumerate(rows):
        start = {"right": 0, "left": width - len(row), "middle": 1}[side]
        tokens[i, start : start + len(row)] = torch.tensor(row)
        mask[i, start : start + len(row)] = True
    return tokens, mask


def prefix_of(kind: str, model: Any, rows: list[list[int]], side: str = "right") -> AnswerPrefix:
    tokens, mask = padded(rows, side)
    with torch.inference_mode():
        if kind == "t5":
            states = model.get_encoder()(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
            return after_encoder(model, states, mask)
        return after_prompt(model, model.get_input_embeddings()(tokens), mask)[0]


@torch.inference_mode()
def next_logits(kind: str, model: Any, prompt: list[int], said: list[int]) -> torch.Tensor:
    """Without cache, padding or mask."""
    if kind == "t5":
        return model(input_ids=torch.tensor([prompt]), decoder_input_ids=torch.tensor([[0, *said]])).logits[0, -1]
    return model(input_ids=torch.tensor([prompt + said])).logits[0, -1]


def naive_p(kind: str, model: Any, prompt: list[int], trie: LabelTrie, listed: list[int]) -> np.ndarray:
    """p_t of each code and the end (or none), by the sentence that defines it: token by token over `allowed`."""
    said = [token for leaf in listed for token in trie.paths[leaf]]
    found = np.zeros(trie.codes + 2)
    for leaf in np.flatnonzero(trie.open_leaves(listed)):
        log_p = 0.0
        for i, token in enumerate(trie.paths[leaf]):
            allowed = trie.allowed([*said, *trie.paths[leaf][:i]])
            logits = next_logits(kind, model, prompt, [*said, *trie.paths[leaf][:i]])[allowed]
            log_p += torch.log_softmax(logits.double(), 0)[allowed.index(token)].item()
        found[leaf] = np.exp(log_p)
    return found


def naive_decode(kind: str, model: Any, prompt: list[int], trie: LabelTrie, most: int) -> tuple[np.ndarray, list[int]]:
    missed, listed = np.ones(trie.codes), []
    while True:
        p = naive_p(kind, model, prompt, trie, listed)
        assert p.sum() == pytest.approx(1)
        missed *= 1 - p[: trie.codes]
        best = int(p.argmax())
        if best >= trie.codes or len(listed) == most:
            return 1 - missed, listed
        listed.append(best)


@pytest.mark.parametrize("side", ["right", "left", "middle"])
def test_scores_and_lists_are_those_of_every_answer_scored_by_itself(tiny: tuple[str, Any, Any], side: str) -> None:
    kind, model, cut = tiny
    trie, rows = trie_of(cut, CODES), prompts(cut)
    found = decode(prefix_of(kind, model, rows, side), trie)
    assert not torch.allclose(found.scores[0], found.scores[1], rtol=1e-2)
    for note, prompt in enumerate(rows):
        scores, listed = naive_decode(kind, model, prompt, trie, len(CODES))
        assert found.lists[note] == listed
        np.testing.assert_allclose(found.scores[note].numpy(), scores, **EXACT)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_size_of_tiles_changes_nothing(
    tiny: tuple[str, Any, Any], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, model, cut = tiny
    trie, rows = trie_of(cut, CODES), prompts(cut)
    whole = decode(prefix_of(kind, model, rows), trie)
    monkeypatch.setattr(constrained_decoding, "TILE", size)
    monkeypatch.setattr(constrained_decoding.Choices.__init__, "__defaults__", (size,))
    parts = decode(prefix_of(kind, model, rows), trie)
    assert parts.lists == whole.lists
    torch.testing.assert_close(parts.scores, whole.scores, **EXACT)


def test_a_list_is_no_longer_than_allowed(tiny: tuple[str, Any, Any]) -> None:
    kind, model, cut = tiny
    trie, rows = trie_of(cut, CODES), prompts(cut)
    found = decode(prefix_of(kind, model, rows), trie, most=1)
    for note, prompt in enumerate(rows):
        scores, listed = naive_decode(kind, model, prompt, trie, 1)
        assert found.lists[note] == listed
        assert len(listed) <= 1
        np.testing.assert_allclose(found.scores[note].numpy(), scores, **EXACT)


def every_list(kind: str, model: Any, prompt: list[int], trie: LabelTrie) -> Iterator[tuple[list[int], float]]:
    """(list, probability) of all answers."""
    open_lists: list[tuple[list[int], float]] = [([], 1.0)]
    while open_lists:
        listed, weight = open_lists.pop()
        p = naive_p(kind, model, prompt, trie, listed)
        yield listed, weight * float(p[trie.codes :].sum())
        open_lists += [([*listed, code], weight * p[code]) for code in range(trie.codes) if p[code] > 0]


def test_draws_tend_to_the_probability_that_a_code_is_in_the_answer(tiny: tuple[str, Any, Any]) -> None:
    kind, model, cut = tiny
    trie, rows = trie_of(cut, ["I10", "I10.1", "E11.9"]), prompts(cut)[:1]
    exact = np.zeros(trie.codes)
    total = 0.0
    for listed, weight in every_list(kind, model, rows[0], trie):
        exact[listed] += weight
        total += weight
    assert total == pytest.approx(1)
    prefix = prefix_of(kind, model, rows)
    with torch.inference_mode():
        prefix.keep(torch.zeros(600, dtype=torch.long))
    found = sampled(prefix, trie, torch.Generator().manual_seed(1))
    draws = found.scores.double()
    assert abs(draws.mean(0).numpy() - exact).max() < 5 * float(draws.std(0).max()) / 600**0.5 + 1e-3
    assert all(len(set(listed)) == len(listed) for listed in found.lists)


def test_padding_and_company_change_no_note(tiny: tuple[str, Any, Any]) -> None:
    kind, model, cut = tiny
    trie, rows = trie_of(cut, CODES), prompts(cut)
    together = decode(prefix_of(kind, model, rows), trie)
    for note, row in enumerate(rows):
        alone = decode(prefix_of(kind, model, [row], "left"), trie)
        assert alone.lists[0] == together.lists[note]
        torch.testing.assert_close(alone.scores[0], together.scores[note], **EXACT)


def test_generate_of_transformers_takes_the_same_trie(tiny: tuple[str, Any, Any]) -> None:
    kind, model, cut = tiny
    trie, prompt = trie_of(cut, CODES), prompts(cut)[0]
    skipped = 1 if kind == "t5" else len(prompt)
    written = model.generate(
        torch.tensor([prompt]),
        max_new_tokens=60,
        do_sample=False,
        num_beams=3,
        eos_token_id=1,
        pad_token_id=0,
        prefix_allowed_tokens_fn=lambda _, ids: trie.allowed(ids[skipped:].tolist()) or [1],
    )[0, skipped:].tolist()
    ended = written[: written.index(1) + 1]
    listed = trie.read(ended)
    assert listed is not None
    assert trie.answer(listed) == ended
    assert len(set(listed)) == len(listed)


def test_next_tokens_are_those_of_the_model(tiny: tuple[str, Any, Any]) -> None:
    """The prefix alone, as free decoding uses it: tokens of several lengths, notes left out and repeated."""
    kind, model, cut = tiny
    rows = prompts(cut)
    prefix = prefix_of(kind, model, rows)
    said = [[7, 8, 9], [10], [11, 12]]
    with torch.inference_mode():
        for row, logits in zip(rows, prefix.logits(), strict=True):
            torch.testing.assert_close(logits, next_logits(kind, model, row, []), **SAME)
        prefix.say(*constrained_decoding._padded([tuple(s) for s in said], prefix.device))
        prefix.keep(torch.tensor([2, 0, 0]))
        for note, logits in zip([2, 0, 0], prefix.logits(), strict=True):
            torch.testing.assert_close(logits, next_logits(kind, model, rows[note], said[note]), **SAME)
        prefix.say(torch.tensor([[20], [21], [22]]), torch.ones(3, 1, dtype=torch.bool))
        for note, token, logits in zip([2, 0, 0], [20, 21, 22], prefix.logits(), strict=True):
            torch.testing.assert_close(logits, next_logits(kind, model, rows[note], [*said[note], token]), **SAME)


def test_the_states_of_a_prompt_are_those_of_reading_it(tiny: tuple[str, Any, Any]) -> None:
    kind, model, cut = tiny
    if kind == "t5":
        pytest.skip("an encoder's states are given")
    rows = prompts(cut)
    tokens, mask = padded(rows, "right")
    with torch.inference_mode():
        _, states = after_prompt(model, model.get_input_embeddings()(tokens), mask)
        for note, row in enumerate(rows):
            alone = model.base_model(input_ids=torch.tensor([row])).last_hidden_state[0]
            torch.testing.assert_close(states[note, : len(row)], alone, **SAME)


def test_the_whole_trie_is_read_once_for_each_place_of_the_list(tiny: tuple[str, Any, Any]) -> None:
    kind, model, cut = tiny
    trie, rows = trie_of(cut, CODES), prompts(cut)
    prefix = prefix_of(kind, model, rows)
    read: list[int] = []
    hook = model.register_forward_pre_hook(
        lambda _, __, kwargs: read.append(kwargs.get("inputs_embeds", kwargs.get("decoder_inputs_embeds")).shape[1]),
        with_kwargs=True,
    )
    found = decode(prefix, trie)
    hook.remove()
    nodes = sum(len(tile.nodes) for tile in trie.tiles(1000))
    assert len(read) == max(map(len, found.lists)) + 1
    assert all(length <= nodes + trie.longest for length in read)
    assert nodes < sum(map(len, trie.paths)) - len(trie.paths)


@pytest.fixture(scope="module")
def any_model(tiny_models: ModuleType) -> tuple[str, Any, Any]:
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    config = AutoConfig.for_model("llama", **tiny_models.settings("llama"))
    return "llama", AutoModelForCausalLM.from_config(config).eval(), tiny_models.tokenizer("llama")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text("120.Te", min_size=1, max_size=5), min_size=1, max_size=6, unique=True), st.integers(0, 2))
def test_any_label_space(any_model: tuple[str, Any, Any], codes: list[str], note: int) -> None:
    kind, model, cut = any_model
    trie, prompt = trie_of(cut, codes), prompts(cut)[note]
    found = decode(prefix_of(kind, model, [prompt]), trie, most=2)
    scores, listed = naive_decode(kind, model, prompt, trie, min(2, len(codes)))
    assert found.lists == [listed]
    np.testing.assert_allclose(found.scores[0].numpy(), scores, **EXACT)


def test_models_that_cannot_are_refused(tiny: tuple[str, Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    kind, model, cut = tiny
    tokens, mask = padded(prompts(cut), "right")
    states = model.get_input_embeddings()(tokens)
    monkeypatch.setattr(model.config, "_attn_implementation_internal", "flash_attention_2")
    with pytest.raises(ConfigError, match="sdpa"):
        after_encoder(model, states, mask) if kind == "t5" else after_prompt(model, states, mask)
    monkeypatch.undo()
    if kind == "t5":
        for module in model.get_decoder().modules():
            if hasattr(module, "has_relative_attention_bias"):
                monkeypatch.setattr(module, "has_relative_attention_bias", True)
        with pytest.raises(ConfigError, match="positions of 't5' are others"):
            after_encoder(model, states, mask)
    else:
        monkeypatch.setattr(model.config, "sliding_window", 8, raising=False)
        with pytest.raises(ConfigError, match="8 tokens at once"):
            decode(prefix_of(kind, model, prompts(cut)), trie_of(cut, CODES))
