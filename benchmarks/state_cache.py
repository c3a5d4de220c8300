"""One step of LLAMA2-R + MultiResCNN on the fly and from the cache of frozen states, side by side.

    python -m benchmarks state_cache [--quick] [--checkpoint FOLDER]

Without a checkpoint, a LLaMA of 5 million weights drawn at random. "disk" is what the states of a token take.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from _comparison import median_ratio, take_turns
from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.models import llm_multirescnn
from icdcoder.nn.batching import TokenisedNotes
from icdcoder.nn.contract import ModelContext
from icdcoder.text.readers.subwords import Subwords

CODES = 50


def checkpoint(folder: Path) -> Path:
    """A LLaMA with random weights and a tokenizer of bytes."""
    from transformers import AutoConfig, AutoModel
    from transformers.utils import logging

    from icdcoder.experiment.pretraining import tokenizer as tokenizers
    from icdcoder.nn.language_models import llama

    cut = tokenizers.learn(["chest pain"], 300, llama)
    token = {name: i for i, name in enumerate(llama.SPECIAL)}
    described = llama.describe(llama.Config(), len(cut.get_vocab()), token)
    logging.disable_progress_bar()
    folder.mkdir()
    cut.save(str(folder / "tokenizer.json"))
    AutoModel.from_config(AutoConfig.for_model(described.pop("model_type"), **described)).save_pretrained(folder)
    return folder


def work(path: Path, notes: TokenisedNotes, **cache: Any) -> Any:
    torch.manual_seed(0)
    config = llm_multirescnn.Config(
        checkpoint=path, reduction="cnn-100", kernels=(3, 5, 9), cache_reserve_gb=1, **cache
    )
    space = LabelSpace(Code("icd9cm", f"{100 + i}") for i in range(CODES))
    model = llm_multirescnn.build(config, ModelContext(Subwords.load(path).size, space)).train()
    model.before_training([notes])
    batch = notes.batch(range(len(notes)))

    def step() -> None:
        model.zero_grad()
        model(batch).logits.square().mean().backward()

    return step, model


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--checkpoint", type=Path)
    asked = parser.parse_args()
    length, turns = (100, 2) if asked.quick else (500, 7)
    rng = np.random.default_rng(0)
    tokens = [rng.integers(4, 250, length).astype(np.int32) for _ in range(8)]
    notes = TokenisedNotes(tokens, CODES, [np.array([0], np.int32)] * len(tokens))
    with tempfile.TemporaryDirectory() as folder:
        path = asked.checkpoint or checkpoint(Path(folder) / "model")
        made = {"on the fly": work(path, notes)}
        for kept_as in ("float32", "bfloat16", "int8"):
            made[kept_as] = work(path, notes, cache=Path(folder) / "states", cache_type=kept_as)
        seconds = take_turns({name: step for name, (step, _) in made.items()}, turns)
        print(f"8 notes of {length} tokens, forward and backward, {torch.get_num_threads()} threads")
        for name, (_, model) in made.items():
            disk = "" if name == "on the fly" else f"  {model.layers.cache.bytes_for(1):6d} bytes a token on disk"
            speed = len(notes) / statistics.median(seconds[name])
            ratio = median_ratio(seconds["on the fly"], seconds[name])
            print(f"  {name:<10} {speed:7.1f} notes/s  {ratio:5.2f} × as fast{disk}", flush=True)


if __name__ == "__main__":
    main()
