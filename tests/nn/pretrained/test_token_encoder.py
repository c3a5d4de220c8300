from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from icdcoder.core.errors import ConfigError, InputError
from icdcoder.nn import dropped_attention
from icdcoder.nn.pretrained.loading import add_lora, load_pretrained
from icdcoder.nn.pretrained.token_encoder import Chunking, TokenEncoder, require_short, self_contained, whole_state
from icdcoder.text.readers.subwords import Subwords

KINDS = ("bert", "llama", "roberta", "t5")


WHOLE = Chunking()


def encoder(folder: Path, chunking: Chunking = WHOLE, **settings: object) -> TokenEncoder:
    pretrained = load_pretrained(folder, None, Subwords.load(folder).size)
    return TokenEncoder(pretrained, chunking, **settings).eval()


def notes(*lengths: int, width: int | None = None) -> tuple[Tensor, Tensor]:
    """(tokens, mask); a note has the same tokens whatever stands beside it."""
    rows = [torch.randint(5, 60, (n,), generator=torch.Generator().manual_seed(n)) for n in lengths]
    mask = torch.arange(width or max(lengths)) < torch.tensor(lengths)[:, None]
    tokens = torch.zeros_like(mask, dtype=torch.long)
    for row, note in zip(tokens, rows, strict=True):
        row[: len(note)] = note
    return tokens, mask


def alone(part: TokenEncoder, ids: list[int]) -> Tensor:
    """States of one sequence as the pretrained model itself gives them."""
    with torch.inference_mode():
        return part.model(input_ids=torch.tensor([ids])).last_hidden_state[0]


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_those_of_the_model_on_the_note_alone(checkpoints: dict[str, Path], kind: str) -> None:
    part = encoder(checkpoints[kind])
    tokens, mask = notes(17, 4, 9, width=25)
    states = part(tokens, mask)
    assert states.shape == (3, 25, part.hidden)
    prefix, suffix = part.prefix.tolist(), part.suffix.tolist()
    for note, row, real in zip(states, tokens, mask, strict=True):
        expected = alone(part, [*prefix, *row[real].tolist(), *suffix])
        torch.testing.assert_close(note[real], expected[len(prefix) : len(prefix) + int(real.sum())], atol=1e-5, rtol=0)
        assert not note[~real].any()


@pytest.mark.parametrize("kind", KINDS)
def test_chunks_are_read_one_by_one(checkpoints: dict[str, Path], kind: str) -> None:
    part = encoder(checkpoints[kind], Chunking(10))
    tokens, mask = notes(23, 6)
    prefix, suffix = part.prefix.tolist(), part.suffix.tolist()
    size = 10 - len(prefix) - len(suffix)
    states = part(tokens, mask)
    for note, row, real in zip(states, tokens, mask, strict=True):
        ids = row[real].tolist()
        for start in range(0, len(ids), size):
            piece = ids[start : start + size]
            expected = alone(part, [*prefix, *piece, *suffix])[len(prefix) : len(prefix) + len(piece)]
            torch.testing.assert_close(note[start : start + len(piece)], expected, atol=1e-5, rtol=0)


def test_special_tokens_once_around_the_note(checkpoints: dict[str, Path]) -> None:
    part = encoder(checkpoints["roberta"], Chunking(8, around="note"))
    tokens, mask = notes(13, 7, 0, width=15)
    states = part(tokens, mask)
    for note, row, real in zip(states, tokens, mask, strict=True):
        ids = [*part.prefix.tolist(), *row[real].tolist(), *part.suffix.tolist()]
        found = torch.cat([alone(part, ids[start : start + 8]) for start in range(0, len(ids), 8)])
        torch.testing.assert_close(note[real], found[1 : 1 + int(real.sum())], atol=1e-5, rtol=0)
        assert not note[~real].any()


@pytest.mark.parametrize("around", ["chunk", "note"])
@pytest.mark.parametrize("kind", KINDS)
def test_notes_do_not_hear_each_other(checkpoints: dict[str, Path], kind: str, around: str) -> None:
    part = encoder(checkpoints[kind], Chunking(12, 3, around=around))
    together = part(*notes(30, 11, 2))
    for row, length in enumerate((30, 11, 2)):
        torch.testing.assert_close(together[row, :length], part(*notes(length))[0], atol=1e-6, rtol=1e-5)


def test_an_overlap_gives_tokens_at_a_cut_what_stands_beyond_it(checkpoints: dict[str, Path]) -> None:
    tokens, mask = notes(40)
    whole = encoder(checkpoints["bert"])(tokens, mask)
    cut = encoder(checkpoints["bert"], Chunking(18))(tokens, mask)
    overlapping = encoder(checkpoints["bert"], Chunking(18, 8))(tokens, mask)
    assert not torch.allclose(cut[0, 16], whole[0, 16], atol=1e-4)
    assert not torch.allclose(cut[0, 16], overlapping[0, 16], atol=1e-4)


def test_layers_run_from_the_embeddings_to_the_last(checkpoints: dict[str, Path]) -> None:
    part = encoder(checkpoints["llama"])
    batch = notes(9, 4)
    every = part.every_layer(*batch)
    assert len(every) == part.layers + 1
    for number, states in enumerate(every):
        torch.testing.assert_close(part.layer(*batch, number), states)
    torch.testing.assert_close(part.layer(*batch, -1), part(*batch))
    embedded = part.model.get_input_embeddings()(batch[0])
    torch.testing.assert_close(every[0][0], embedded[0])


def test_a_decoder_sees_what_follows_only_if_asked(checkpoints: dict[str, Path]) -> None:
    tokens, mask = notes(9)
    other = tokens.clone()
    other[0, 8] = 4
    for bidirectional in (False, True):
        part = encoder(checkpoints["llama"], bidirectional=bidirectional)
        same = torch.allclose(part(tokens, mask)[0, :8], part(other, mask)[0, :8])
        assert same is not bidirectional


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("weights", ["float32", "bfloat16"])
def test_a_bidirectional_decoder_sees_no_padding(checkpoints: dict[str, Path], attention: str, weights: str) -> None:
    size = Subwords.load(checkpoints["llama"]).size
    pretrained = load_pretrained(checkpoints["llama"], None, size, attention=attention, weights=weights)
    part = TokenEncoder(pretrained, bidirectional=True).eval()
    near = {"atol": 1e-6, "rtol": 1e-5} if weights == "float32" else {"atol": 0.02, "rtol": 0.02}
    torch.testing.assert_close(part(*notes(5, 20))[0, :5], part(*notes(5))[0], **near)
    tokens, mask = notes(9, 20)
    assert not torch.allclose(part(tokens, mask)[0, 0], part(tokens.index_fill(1, torch.tensor([8]), 4), mask)[0, 0])


def test_a_bidirectional_decoder_needs_a_kernel_with_a_mask(checkpoints: dict[str, Path]) -> None:
    pretrained = load_pretrained(checkpoints["llama"], None, Subwords.load(checkpoints["llama"]).size)
    pretrained.model.config._attn_implementation = "flash_attention_2"
    with pytest.raises(ConfigError, match=r"'flash_attention_2' takes no mask.*model\.bidirectional = false"):
        TokenEncoder(pretrained, bidirectional=True)


def test_a_frozen_model_has_no_gradient_and_no_dropout(checkpoints: dict[str, Path]) -> None:
    part = encoder(checkpoints["bert"], frozen=True)
    for module in part.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    part.train()
    assert not part.model.training
    first = part(*notes(9))
    assert not first.requires_grad
    assert torch.equal(first, part(*notes(9)))


@pytest.mark.parametrize("kind", KINDS)
def test_checkpointing_changes_no_gradient(checkpoints: dict[str, Path], kind: str) -> None:
    found = []
    for checkpointing in (False, True):
        part = encoder(checkpoints[kind], Chunking(10), checkpointing=checkpointing).train()
        part(*notes(23, 6)).pow(2).sum().backward()
        found.append([p.grad for p in part.parameters()])
    assert part.model.is_activation_checkpointing
    for plain, again in zip(*found, strict=True):
        torch.testing.assert_close(plain, again)


def test_half_precision_gives_float32_states(checkpoints: dict[str, Path]) -> None:
    folder = checkpoints["llama"]
    half = load_pretrained(folder, None, Subwords.load(folder).size, weights="bfloat16")
    states = TokenEncoder(half)(*notes(9, 4))
    assert states.dtype == torch.float32
    torch.testing.assert_close(states, encoder(folder)(*notes(9, 4)), atol=0.1, rtol=0.1)


def test_a_longer_context_reads_the_end_of_a_note(checkpoints: dict[str, Path]) -> None:
    folder = checkpoints["llama"]
    long = load_pretrained(folder, None, Subwords.load(folder).size, context=256)
    part = TokenEncoder(long).eval()
    tokens, mask = notes(200)
    other = tokens.clone()
    other[0, 190] = 4
    assert not torch.allclose(part(tokens, mask)[0, 199], part(other, mask)[0, 199])


def test_a_note_beyond_the_context_is_refused(checkpoints: dict[str, Path]) -> None:
    part = encoder(checkpoints["bert"])
    part(*notes(62))
    with pytest.raises(InputError, match=r"65 tokens, .* reads 64: set text.max_tokens to 62"):
        part(*notes(63))
    require_short(part, 62)
    with pytest.raises(InputError, match=r"65 tokens, .* reads 64: set text.max_tokens to 62"):
        require_short(part, 63)
    require_short(encoder(checkpoints["bert"], Chunking(10)), 300)
    assert encoder(checkpoints["t5"])(*notes(300)).shape[1] == 300


@pytest.mark.parametrize("chunking", [Chunking(2), Chunking(10, 8), Chunking(10, 30)])
def test_chunks_without_room_are_refused(checkpoints: dict[str, Path], chunking: Chunking) -> None:
    with pytest.raises(ConfigError, match=r"2 of them special, cannot overlap"):
        encoder(checkpoints["bert"], chunking)


def test_chunks_beyond_the_context_are_refused(checkpoints: dict[str, Path]) -> None:
    with pytest.raises(ConfigError, match=r"chunk is 65; .* reads 64"):
        encoder(checkpoints["roberta"], Chunking(65))


def test_settings_become_self_contained(checkpoints: dict[str, Path]) -> None:
    part = encoder(checkpoints["bert"])
    settings = self_contained({"kind": "x", "checkpoint": "somewhere", "chunk": 9}, torch.nn.Sequential(part))
    assert settings == {"kind": "x", "chunk": 9, "architecture": part.architecture}
    assert self_contained({"checkpoint": "x"}, torch.nn.Linear(1, 1)) == {"checkpoint": "x"}


def test_fixed_weights_are_not_saved_with_a_run_and_come_from_the_folder_again(checkpoints: dict[str, Path]) -> None:
    first = torch.nn.ModuleDict({"part": encoder(checkpoints["llama"], frozen=True), "head": torch.nn.Linear(2, 2)})
    assert set(first.state_dict()) == {"head.weight", "head.bias"}
    second = torch.nn.ModuleDict({"part": encoder(checkpoints["llama"], frozen=True), "head": torch.nn.Linear(2, 2)})
    second.load_state_dict(first.state_dict())
    assert torch.equal(second["head"].weight, first["head"].weight)
    assert torch.equal(second["part"](*notes(9)), first["part"](*notes(9)))


def test_adapters_are_saved_with_a_run(checkpoints: dict[str, Path]) -> None:
    pretrained = load_pretrained(checkpoints["llama"], None, Subwords.load(checkpoints["llama"]).size)
    add_lora(pretrained.model, rank=2, alpha=4.0, dropout=0.0)
    saved = TokenEncoder(pretrained).state_dict()
    assert saved
    assert all("lora_" in name for name in saved)


def test_the_whole_state_builds_the_model_without_the_folder(checkpoints: dict[str, Path]) -> None:
    first = encoder(checkpoints["llama"], frozen=True)
    pretrained = load_pretrained(None, first.architecture, 10)
    second = TokenEncoder(pretrained, frozen=True).eval()
    with pytest.raises(RuntimeError, match="Missing key"):
        second.load_state_dict(first.state_dict())
    second.load_state_dict(whole_state(first))
    assert torch.equal(second(*notes(9)), first(*notes(9)))


@pytest.mark.parametrize(("how", "expected"), [("training", True), ("evaluation", False), ("checkpointing", False)])
def test_training_attends_with_dropout_in_tiles(
    checkpoints: dict[str, Path], monkeypatch: pytest.MonkeyPatch, how: str, expected: bool
) -> None:
    part = encoder(checkpoints["bert"], Chunking(10), checkpointing=how == "checkpointing").train(how != "evaluation")
    for module in part.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.2
    called = []
    tiled = dropped_attention.self_attention
    monkeypatch.setattr(dropped_attention, "self_attention", lambda *given: called.append(given[3]) or tiled(*given))
    tokens, mask = notes(23, 6)
    part(tokens, mask).square().sum().backward()
    assert len(called) == (part.layers if expected else 0)
    assert all(torch.isfinite(weight.grad).all() for weight in part.parameters() if weight.grad is not None)
    if expected:
        assert torch.equal(called[0].sum(1), torch.tensor([10, 10, 9, 8]))
