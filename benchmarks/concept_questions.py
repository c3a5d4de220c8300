"""Yes/no questions about one note: one reading of the note, all questions behind it, and one by one, side by side.

    python -m benchmarks concept_questions [--quick]

A LLaMA with random weights. "one by one" asks two questions and counts what all of them would take.
"""

from __future__ import annotations

import argparse

import torch

from _comparison import take_turns
from icdcoder.nn.asking.shared_prefix import logits_after

NOTE, QUESTIONS, TOKENS, HIDDEN, LAYERS = 4_096, 325, 5, 256, 4
ASKED_ALONE = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short note, few questions")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    note, questions = (512, 40) if options.quick else (NOTE, QUESTIONS)
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {"hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": 4, "num_key_value_heads": 2}
    config = AutoConfig.for_model(
        "llama", vocab_size=8_192, intermediate_size=672, max_position_embeddings=8_192, **sizes
    )
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    text = torch.randint(3, 8_000, (note,)).tolist()
    asked = torch.randint(3, 8_000, (questions, TOKENS)).tolist()

    def read(more: list[int]) -> None:
        with torch.inference_mode():
            model(input_ids=torch.tensor([text + more]), logits_to_keep=1)

    seconds = take_turns(
        {
            "one reading": lambda: read([]),
            "all questions behind it": lambda: logits_after(model, text, asked, 1_024),
            "one by one": lambda: [read(question) for question in asked[:ASKED_ALONE]],
        },
        options.turns,
    )
    base = sorted(seconds["one reading"])[options.turns // 2]
    print(f"{note} tokens, {questions} questions of {TOKENS}; {torch.get_num_threads()} threads")
    for name, times in seconds.items():
        median = sorted(times)[options.turns // 2]
        if name == "one by one":
            median *= questions / ASKED_ALONE
        print(f"  {name:<24} {median:9.2f} s  {median / base:7.2f} readings")


if __name__ == "__main__":
    main()
