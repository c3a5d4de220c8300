"""Writing codes with language models, side by side: notes together and one by one; all codes at once and each alone.

    python -m benchmarks generation [--quick]

The models are small and have random weights; notes are random tokens of the same length. Reading the notes is part of
every way. That the ways agree is checked before they are timed.
- writing: lists of at most MOST codes with the scores of all codes. "one": a note at a time. "generate" is
  transformers' generate under the same trie with its own cache, notes together: the best token each time, which can be
  another list than that of the best codes, and no scores.
- scoring: the probability of each code as the first of the list. "plain": each code behind the whole note, read anew.
  "cached": each code in a row of its own behind a copy of the note's cache. "trie": all in one look.
- the instruction before the note, of a decoder: "whole" reads it with every note, "once" reads it beforehand, which is
  not timed since a coder does it once. Some 20 tokens are those of answer format 1, 300 those of format 3 (50 codes
  listed), 1,000 those of format 4 (with titles). Reading alone, and reading with writing as above.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from _comparison import report, take_turns
from icdcoder.nn.writing.answer_prefix import AnswerPrefix, after_encoder, after_prompt
from icdcoder.nn.writing.cached_instruction import CachedInstruction, read_instruction
from icdcoder.nn.writing.constrained_decoding import Choices, decode
from icdcoder.nn.writing.label_trie import LabelTrie

VOCABULARY, END, MOST = 4096, 1, 5
INSTRUCTIONS = (20, 300, 1000)


def label_trie(codes: int) -> LabelTrie:
    """Codes like those of ICD-9-CM, a token for each character."""
    draw = torch.Generator().manual_seed(0)
    numbers = torch.randperm(99_999, generator=draw)[:codes].tolist()
    return LabelTrie.build([f"{n // 100:03d}.{n % 100:02d}" for n in numbers], lambda text: [*map(ord, text)], END)


def model_of(kind: str, hidden: int, layers: int) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM, T5Config, T5ForConditionalGeneration

    torch.manual_seed(0)
    if kind == "T5":
        sizes = {"d_model": hidden, "d_kv": hidden // 8, "d_ff": 4 * hidden, "num_layers": layers, "num_heads": 8}
        special = {"decoder_start_token_id": 0, "eos_token_id": END, "pad_token_id": 0}
        return T5ForConditionalGeneration(T5Config(vocab_size=VOCABULARY, **sizes, **special)).eval()
    sizes = {"hidden_size": hidden, "intermediate_size": 3 * hidden, "num_hidden_layers": layers}
    special = {"num_attention_heads": 8, "eos_token_id": END, "pad_token_id": 0, "max_position_embeddings": 4096}
    return LlamaForCausalLM(LlamaConfig(vocab_size=VOCABULARY, **sizes, **special)).eval()


def begin(model: Any, notes: Tensor, instruction: CachedInstruction | None = None) -> AnswerPrefix:
    mask = torch.ones_like(notes, dtype=torch.bool)
    if model.config.is_encoder_decoder:
        return after_encoder(model, model.get_encoder()(input_ids=notes).last_hidden_state, mask)
    return after_prompt(model, model.get_input_embeddings()(notes), mask, instruction)[0]


def written(
    model: Any, notes: Tensor, trie: LabelTrie, instruction: CachedInstruction | None = None
) -> tuple[list[list[int]], Tensor]:
    found = decode(begin(model, notes, instruction), trie, most=MOST)
    return found.lists, found.scores


def written_one_by_one(model: Any, notes: Tensor, trie: LabelTrie) -> tuple[list[list[int]], Tensor]:
    found = [written(model, note[None], trie) for note in notes]
    return [lists[0] for lists, _ in found], torch.cat([scores for _, scores in found])


def generated(model: Any, notes: Tensor, trie: LabelTrie) -> Tensor:
    before = 1 if model.config.is_encoder_decoder else notes.shape[1]
    return model.generate(
        notes,
        attention_mask=torch.ones_like(notes),
        do_sample=False,
        max_new_tokens=MOST * trie.longest,
        prefix_allowed_tokens_fn=lambda _, ids: trie.allowed(ids[before:].tolist()) or [END],
    )


def first_by_trie(model: Any, notes: Tensor, trie: LabelTrie) -> Tensor:
    may_follow = torch.from_numpy(trie.open_leaves([])).expand(len(notes), -1)
    return Choices(trie, notes.device).log_probabilities(begin(model, notes), may_follow)[:, : trie.codes]


def first_by_rows(model: Any, notes: Tensor, trie: LabelTrie) -> Tensor:
    found = []
    paths = torch.tensor(trie.paths[: trie.codes])
    for note in notes:
        prefix = begin(model, note[None])
        prefix.keep(torch.zeros(len(paths), dtype=torch.long))
        steps = [prefix.logits()]
        for token in paths.T[:-1]:
            prefix.say(token[:, None], torch.ones(len(paths), 1, dtype=torch.bool))
            steps.append(prefix.logits())
        found.append(_among_allowed(torch.stack(steps, 1), trie))
    return torch.stack(found)


def first_plainly(model: Any, notes: Tensor, trie: LabelTrie) -> Tensor:
    found = []
    for note in notes:
        rows = []
        for path in trie.paths[: trie.codes]:
            said = torch.tensor([path[:-1]])
            if model.config.is_encoder_decoder:
                start = torch.zeros(1, 1, dtype=torch.long)
                logits = model(input_ids=note[None], decoder_input_ids=torch.cat([start, said], 1)).logits
            else:
                logits = model(input_ids=torch.cat([note[None], said], 1)).logits[:, len(note) - 1 :]
            rows.append(logits[0])
        found.append(_among_allowed(torch.stack(rows), trie))
    return torch.stack(found)


def _among_allowed(logits: Tensor, trie: LabelTrie) -> Tensor:
    """log p of each code of the logits "code place vocabulary" at its tokens, over what the trie allows there."""
    total = torch.zeros(trie.codes)
    for code, path in enumerate(trie.paths[: trie.codes]):
        for place, token in enumerate(path):
            allowed = ALLOWED.setdefault(path[:place], trie.allowed(path[:place]))
            total[code] += logits[code, place, allowed].log_softmax(0)[allowed.index(token)]
    return total


ALLOWED: dict[tuple[int, ...], list[int]] = {}


def compare(title: str, ways: dict[str, Callable[[], Any]], turns: int, base: str) -> None:
    seconds = take_turns(ways, turns)
    report(title, seconds, {}, base=base)


def compare_instructions(model: Any, notes: Tensor, trie: LabelTrie, turns: int) -> None:
    for length in INSTRUCTIONS:
        before = torch.randint(200, VOCABULARY, (1, length), generator=torch.Generator().manual_seed(2))
        known = read_instruction(model, model.get_input_embeddings()(before))
        whole = torch.cat([before.expand(len(notes), -1), notes], 1)
        lists, scores = written(model, whole, trie)
        lists_behind, scores_behind = written(model, notes, trie, known)
        assert lists == lists_behind
        torch.testing.assert_close(scores, scores_behind, rtol=1e-3, atol=1e-5)
        kept = sum(part.nbytes for layer in known.layers for part in layer) / 1e6
        title = f"An instruction of {length} tokens ({kept:.1f} MB) before each of these notes:"
        read = {"whole": lambda w=whole: begin(model, w), "once": lambda k=known: begin(model, notes, k)}
        compare(f"{title} reading", read, turns, "whole")
        write = {
            "whole": lambda w=whole: written(model, w, trie),
            "once": lambda k=known: written(model, notes, trie, k),
        }
        compare(f"{title} reading and writing", write, turns, "whole")


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller models and shorter notes")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    hidden, layers, notes, tokens = (128, 2, 4, 256) if options.quick else (256, 4, 8, 1000)
    trie = label_trie(50)
    read = sum(len(tile.nodes) for tile in trie.tiles(10_000))
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads; 50 codes of {sum(map(len, trie.paths[:50]))} "
        f"tokens in all, of which the trie reads {read}"
    )
    for kind in ("T5", "LLaMA"):
        model = model_of(kind, hidden, layers)
        ids = torch.randint(200, VOCABULARY, (notes, tokens), generator=torch.Generator().manual_seed(1))
        lists, scores = written(model, ids, trie)
        alone, scores_alone = written_one_by_one(model, ids, trie)
        assert lists == alone
        torch.testing.assert_close(scores, scores_alone, rtol=1e-3, atol=1e-5)
        first = first_by_trie(model, ids, trie)
        torch.testing.assert_close(first, first_by_rows(model, ids, trie), rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(first, first_plainly(model, ids, trie), rtol=1e-3, atol=1e-4)
        shape = f"{kind}, {notes} notes of {tokens} tokens, {layers} layers of {hidden}"
        compare(
            f"{shape}: writing {sum(map(len, lists)) / notes:.1f} codes a note, with scores of all",
            {
                "one": lambda m=model, n=ids: written_one_by_one(m, n, trie),
                "together": lambda m=model, n=ids: written(m, n, trie),
                "generate": lambda m=model, n=ids: generated(m, n, trie),
            },
            options.turns,
            "one",
        )
        compare(
            f"{shape}: scoring all codes as the first of a list",
            {
                "plain": lambda m=model, n=ids: first_plainly(m, n, trie),
                "cached": lambda m=model, n=ids: first_by_rows(m, n, trie),
                "trie": lambda m=model, n=ids: first_by_trie(m, n, trie),
            },
            options.turns,
            "plain",
        )
        if kind == "LLaMA":
            compare_instructions(model, ids, trie, options.turns)


if __name__ == "__main__":
    main()
