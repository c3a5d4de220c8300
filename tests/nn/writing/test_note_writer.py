"""What the pretrained model makes of prompt, note and answer, against its own forward on one sequence at a time."""

from __future__ import annotations

from typing import Any

import pytest
import torch

pytest.importorskip("transformers", reason="needs the extra [llm]")

from icdcoder.nn.pretrained.loading import load_pretrained
from icdcoder.nn.pretrained.token_encoder import PretrainedPart
from icdcoder.nn.writing.free_decoding import write_freely
from icdcoder.nn.writing.note_writer import NoteWriter
from icdcoder.nn.writing.prompt import Prompt

SIZES: dict[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "intermediate_size": 16,
    "bos_token_id": 1,
    "eos_token_id": 39,
    "pad_token_id": 0,
}
T5 = {"vocab_size": 40, "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2, "eos_token_id": 39}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {**SIZES, "max_position_embeddings": 32},
    "qwen3": {**SIZES, "head_dim": 8},
    "gemma2": {**SIZES, "head_dim": 8, "final_logit_softcapping": 2.0},
    "cohere": {**SIZES, "logit_scale": 0.25},
    "granite": {**SIZES, "logits_scaling": 4.0},
    "gpt2": {"vocab_size": 40, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 32, "eos_token_id": 39},
    "t5": T5,
    "mt5": T5,
}
NOTES = [[5, 6, 7, 8], [9, 10]]
ANSWERS = [[20, 21], [22, 23, 24]]


def writer(family: str) -> NoteWriter:
    architecture = {"config": {"model_type": family, **FAMILIES[family]}, "prefix": [], "suffix": []}
    torch.manual_seed(0)
    pretrained = load_pretrained(None, architecture, 40, writes=True)
    for weight in pretrained.model.parameters():
        torch.nn.init.normal_(weight, 0, 0.3)
    prompt = Prompt(("ab", "c"), lambda text: [30 + ord(letter) - 97 for letter in text], ([1], []))
    return NoteWriter(pretrained, prompt).eval()


def padded(rows: list[list[int]], width: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    tokens = torch.tensor([[*row, *[3] * (width - len(row))] for row in rows])
    return tokens, torch.tensor([[i < len(row) for i in range(width)] for row in rows])


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_states_and_logits_are_those_of_the_model_itself(family: str) -> None:
    made = writer(family)
    assert isinstance(made, PretrainedPart)
    read = made(*padded(NOTES), padded(ANSWERS))
    for row, (note, answer) in enumerate(zip(NOTES, ANSWERS, strict=True)):
        asked = [1, 30, 31, *note, 32]
        if made.model.config.is_encoder_decoder:
            first = [made.model.config.decoder_start_token_id, *answer[:-1]]
            output = made.model(input_ids=torch.tensor([asked]), decoder_input_ids=torch.tensor([first]))
            logits, states = output.logits[0], output.encoder_last_hidden_state[0]
        else:
            output = made.model(input_ids=torch.tensor([[*asked, *answer]]), output_hidden_states=True)
            logits, states = output.logits[0, len(asked) - 1 : -1], output.hidden_states[-1][0]
        torch.testing.assert_close(read.logits[row, : len(answer)], logits, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(read.states[row, : len(note)], states[3 : 3 + len(note)], atol=1e-4, rtol=1e-4)
        assert not read.states[row, len(note) :].any()


@pytest.mark.parametrize("family", ["llama", "gemma2", "t5"])
def test_free_answers_are_the_greedy_ones_of_transformers(family: str) -> None:
    made = writer(family)
    prefix, _ = made.begin(*padded(NOTES))
    found = write_freely(prefix, end=39, most=8)
    for note, written in zip(NOTES, found, strict=True):
        asked = torch.tensor([[1, 30, 31, *note, 32]])
        start = {"decoder_start_token_id": 0} if made.model.config.is_encoder_decoder else {}
        said = made.model.generate(asked, max_new_tokens=8, do_sample=False, use_cache=False, **start)[0]
        new = said[1:] if made.model.config.is_encoder_decoder else said[asked.shape[1] :]
        assert written == [token for token in new.tolist() if token != 39]
