"""An instruction that is read once gives what reading it with every note gives."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import torch

pytest.importorskip("transformers", reason="needs the extra [llm]")

from icdcoder.nn.pretrained.loading import add_lora, load_pretrained
from icdcoder.nn.writing import note_writer
from icdcoder.nn.writing.answer_prefix import after_prompt
from icdcoder.nn.writing.cached_instruction import CachedInstruction, can_be_cached, read_instruction
from icdcoder.nn.writing.knowledge_injection import KnowledgeInjection
from icdcoder.nn.writing.note_writer import NoteWriter
from icdcoder.nn.writing.prompt import Prompt

EXACT = {"rtol": 1e-5, "atol": 1e-5}
NOTES = [[5, 6, 7, 8, 9, 10], [11, 12], []]
BEFORE, AFTER = "given a note with a code", "tell"
SIZES: dict[str, Any] = {"num_key_value_heads": 1}
GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 128, "vocab_size": 200}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", SIZES),
    "stretched": ("llama", {"rope_parameters": {"rope_type": "yarn", "factor": 2.0, "rope_theta": 10000.0}}),
    "window": ("mistral", {**SIZES, "sliding_window": 12}),
    "two kinds of layers": ("gemma2", {**SIZES, "head_dim": 8, "sliding_window": 12}),
    "learned positions": ("gpt2", GPT2),
}


def letters(text: str) -> list[int]:
    return [100 + ord(letter) - 97 for letter in text.replace(" ", "")]


def writer(models: ModuleType, family: str = "llama", after: str = AFTER, lora: bool = False) -> NoteWriter:
    kind, changes = FAMILIES[family]
    described = {"model_type": kind, **({} if kind == "gpt2" else models.settings("llama")), **changes}
    torch.manual_seed(0)
    pretrained = load_pretrained(None, {"config": described, "prefix": [2], "suffix": []}, 200, writes=True)
    for weight in pretrained.model.parameters():
        torch.nn.init.normal_(weight, 0, 0.3)
    if lora:
        add_lora(pretrained.model, rank=2, alpha=4.0, dropout=0.5)
        for name, weight in pretrained.model.named_parameters():
            if "lora" in name:
                torch.nn.init.normal_(weight, 0, 0.3)
    return NoteWriter(pretrained, Prompt((BEFORE, after), letters, ([2], []))).eval()


def padded(rows: list[list[int]], left: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, rows)) + 1
    tokens, mask = torch.full((len(rows), width), 3), torch.zeros(len(rows), width, dtype=torch.bool)
    for i, row in enumerate(rows):
        place = slice(width - len(row), width) if left else slice(0, len(row))
        tokens[i, place], mask[i, place] = torch.tensor(row, dtype=torch.long), True
    return tokens, mask


def said(made: NoteWriter) -> list[torch.Tensor]:
    """States at the notes, and the logits at the first places of an answer, in the batch and after one left it."""
    with torch.inference_mode():
        prefix, states = made.begin(*padded(NOTES))
        found = [states, prefix.logits()]
        prefix.say(torch.tensor([[20, 21], [22, 0], [23, 24]]), torch.tensor([[True, True], [True, False], [True] * 2]))
        prefix.keep(torch.tensor([2, 0]))
        return [*found, prefix.logits()]


def without_cache(made: NoteWriter, monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    with monkeypatch.context() as patched:
        patched.setattr(note_writer, "can_be_cached", lambda _: False)
        return said(made)


@pytest.mark.parametrize("lora", [False, True])
@pytest.mark.parametrize("family", [f for f in FAMILIES if f not in ("window", "two kinds of layers")])
def test_states_and_logits_are_those_of_whole_prompts(
    tiny_models: ModuleType, family: str, lora: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = writer(tiny_models, family, lora=lora)
    whole = without_cache(made, monkeypatch)
    for _ in range(2):  # reads the instruction; finds it
        torch.testing.assert_close(said(made), whole, **EXACT)
    # What was computed above is the model's own answer to a prompt, token by token.
    tokens = torch.tensor([[2, *letters(BEFORE), *NOTES[0], *letters(AFTER), 20, 21]])
    with torch.inference_mode():
        logits = made.model(input_ids=tokens).logits[0]
    torch.testing.assert_close(said(made)[1][0], logits[-3], **EXACT)
    torch.testing.assert_close(said(made)[2][1], logits[-1], **EXACT)


@pytest.mark.parametrize("family", ["window", "two kinds of layers"])
def test_windows_of_attention_reach_back_into_the_instruction_as_far_as_they_would(
    tiny_models: ModuleType, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, notes = writer(tiny_models, family), padded(NOTES)
    with torch.inference_mode():
        states = made.begin(*notes)[1]
        with monkeypatch.context() as patched:
            patched.setattr(note_writer, "can_be_cached", lambda _: False)
            whole = made.begin(*notes)[1]
    torch.testing.assert_close(states, whole, **EXACT)


@pytest.mark.parametrize("left", [False, True])
def test_padding_may_be_on_either_side(tiny_models: ModuleType, left: bool) -> None:
    model = writer(tiny_models).model
    embed = model.get_input_embeddings()
    before, rows = [2, *letters(BEFORE)], NOTES[:2]
    with torch.inference_mode():
        known = read_instruction(model, embed(torch.tensor([before])))
        tokens, mask = padded(rows, left)
        prefix, states = after_prompt(model, embed(tokens), mask, known)
        logits = prefix.logits()
        for i, row in enumerate(rows):
            alone = model(input_ids=torch.tensor([[*before, *row]]), output_hidden_states=True)
            torch.testing.assert_close(logits[i], alone.logits[0, -1], **EXACT)
            torch.testing.assert_close(states[i][mask[i]], alone.hidden_states[-1][0, len(before) :], **EXACT)
    assert len(known) == len(before)


def test_injected_knowledge_is_part_of_the_instruction(
    tiny_models: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = writer(tiny_models)
    made.injection = KnowledgeInjection(["abc", "", "de"], 4, made.hidden, letters, ([2], []))
    whole = without_cache(made, monkeypatch)
    torch.testing.assert_close(said(made), whole, **EXACT)
    torch.nn.init.normal_(made.injection.weight, 0, 0.3)  # knowledge that weighs differently is read anew
    other = without_cache(made, monkeypatch)
    assert not torch.allclose(other[1], whole[1], rtol=1e-2)
    torch.testing.assert_close(said(made), other, **EXACT)


def test_the_instruction_is_read_once_until_weights_change(
    tiny_models: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, reads = writer(tiny_models, lora=True), []

    def counted(model: Any, embeddings: torch.Tensor) -> CachedInstruction:
        reads.append(embeddings.shape[1])
        return read_instruction(model, embeddings)

    monkeypatch.setattr(note_writer, "read_instruction", counted)
    said(made)
    first = said(made)
    assert reads == [len(letters(BEFORE))]  # the special token and all letters but the last
    adapter = next(weight for name, weight in made.named_parameters() if "lora_B" in name)
    with torch.no_grad():
        adapter += 1
    second = said(made)
    assert len(reads) == 2
    assert not torch.allclose(first[1], second[1], rtol=1e-2)
    torch.testing.assert_close(second, without_cache(made, monkeypatch), **EXACT)
    made.train()  # frees what it holds: a training step needs the memory
    said(made.eval())
    assert len(reads) == 3


def test_gradients_and_dropout_read_whole_prompts(tiny_models: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    made = writer(tiny_models, lora=True)
    monkeypatch.setattr(note_writer, "read_instruction", lambda *_: pytest.fail("read beforehand"))
    made.begin(*padded(NOTES))[0].logits().sum().backward()
    assert all(weight.grad is not None for weight in made.parameters() if weight.requires_grad)
    with torch.inference_mode():
        made.train().begin(*padded(NOTES))


@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_positions_that_depend_on_the_longest_note_are_never_cached(tiny_models: ModuleType, kind: str) -> None:
    model = writer(tiny_models).model
    assert can_be_cached(model)
    rope = {"rope_type": kind, "rope_theta": 10000.0, "factor": 2.0}
    model.config.rope_parameters = rope
    assert not can_be_cached(model)
    model.config.rope_parameters = {"full_attention": rope, "sliding_attention": {"rope_type": "default"}}
    assert not can_be_cached(model)


def test_an_encoder_reads_its_instruction_with_every_note(tiny_models: ModuleType) -> None:
    model = load_pretrained(None, tiny_models.architecture("t5"), 200, writes=True).model
    assert not can_be_cached(model)


def test_without_layers_nothing_was_read() -> None:
    assert len(CachedInstruction()) == 0
    assert CachedInstruction().under(3).get_seq_length() == 0


def test_a_cache_that_grows_leaves_the_instruction_as_it_was(tiny_models: ModuleType) -> None:
    model = writer(tiny_models).model
    with torch.inference_mode():
        known = read_instruction(model, model.get_input_embeddings()(torch.tensor([[2, 5, 6]])))
        before = [keys.clone() for keys, _ in known.layers]
        cache = known.under(2)
        cache.layers[0].keys.zero_()
        model(input_ids=torch.tensor([[7], [8]]), past_key_values=cache, use_cache=True)
    assert cache.get_seq_length() == 4
    assert all(torch.equal(keys, kept) for (keys, _), kept in zip(known.layers, before, strict=True))
