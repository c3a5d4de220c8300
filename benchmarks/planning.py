"""Planned against measured memory: one training step of each model, as `icdcoder plan` rehearses it and as torch's
allocator sees it on a CPU.

    python -m benchmarks planning [--quick] [--model KIND]

8 notes of 500 tokens and 200 codes, without the optimiser. "planned" and "measured" are what is alive at most beside
the weights; oneDNN's scratch memory and cuDNN's fused recurrence, of which a plan for a GPU knows, make a CPU differ.
"""

from __future__ import annotations

import argparse
from itertools import islice
from typing import Any

import torch
from torch import nn

from icdcoder import systems
from icdcoder.core import components
from icdcoder.core.label_space import LabelSpace
from icdcoder.experiment.planning.measured import measured_peak
from icdcoder.experiment.planning.plan import step_memory
from icdcoder.experiment.planning.rehearsal import emptied
from icdcoder.nn.contract import Batch, ModelContext, channels_of
from icdcoder.train.steps import binary_cross_entropy

WORDS, CODES, NOTES, TOKENS = 5000, 200, 8, 500
BERT = {
    "model_type": "bert",
    "vocab_size": WORDS,
    "hidden_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 512,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
PRETRAINED = {"architecture": {"config": BERT, "prefix": [2], "suffix": []}}
LORA = {**PRETRAINED, "tuning": "lora", "lora_dropout": 0.0, "pooling": "mean"}
MODELS: dict[str, dict[str, Any]] = {
    "caml": {},
    "multirescnn": {},
    "msmn": {"r_drop": 0.0},
    "transicd": {},
    "linear": {},
    "joint_laat": {},
    "laat": {},
    "c_lstm_att": {},
    "cnn": {},
    "bigru": {},
    "plm_icd": {**PRETRAINED, "chunk": 128},
    "llm_classifier": {**LORA, "chunk": 128},
}


def built(kind: str, device: str = "cpu") -> nn.Module:
    module = components.load("models", kind)
    space = LabelSpace(islice(systems.load("icd10cm").billable(), 100, 100 + CODES))
    with torch.device(device):
        return module.build(module.Config(**MODELS[kind]), ModelContext(WORDS, space))


def batch(model: nn.Module, notes: int, tokens: int) -> Batch:
    torch.manual_seed(0)
    channels = {name: torch.zeros(notes, tokens, dtype=torch.long) for name in channels_of(model)}
    gold = (torch.rand(notes, CODES) < 0.1).float()
    read = torch.randint(4, WORDS, (notes, tokens))
    return Batch(read, torch.ones(notes, tokens, dtype=torch.bool), gold, channels)


def compare(kind: str, notes: int, tokens: int) -> tuple[int, int]:
    """Bytes beside the weights: (planned, measured)."""
    model, light = built(kind).train(), emptied(built(kind, "meta"))
    read = batch(model, notes, tokens)
    memory, _ = step_memory(light, read)

    def step() -> None:
        scores = model(read)
        loss = binary_cross_entropy(scores, read)
        if scores.penalty is not None:
            loss = loss + scores.penalty
        del scores
        loss.backward()
        del loss
        model.zero_grad(set_to_none=True)

    return memory.peak - memory.weights - memory.optimiser, measured_peak(step)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 notes of 100 tokens")
    parser.add_argument("--model", choices=sorted(MODELS))
    asked = parser.parse_args()
    notes, tokens = (2, 100) if asked.quick else (NOTES, TOKENS)
    print(f"{notes} notes of {tokens} tokens, {CODES} codes; one training step without the optimiser")
    for kind in [asked.model] if asked.model else MODELS:
        planned, measured = compare(kind, notes, tokens)
        told = f"planned {planned / 1e6:8.1f} MB  measured {measured / 1e6:8.1f} MB"
        print(f"  {kind:<15} {told}  {planned / measured:5.2f}", flush=True)


if __name__ == "__main__":
    main()
