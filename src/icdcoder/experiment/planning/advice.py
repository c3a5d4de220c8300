"""What to change in a configuration whose training does not fit into a memory, the cheapest first."""

from __future__ import annotations

from icdcoder.experiment.config import Experiment


def advice(experiment: Experiment) -> list[str]:
    """Settings, each as `--set` takes them, and what each costs; only those that the model has and that are not set."""
    assert experiment.model is not None
    assert experiment.train is not None
    given, found = dict(experiment.model), []
    if given.get("gradient_checkpointing") is False and given.get("tuning") != "frozen":
        found.append("model.gradient_checkpointing=true (activations of one layer at a time; a third more arithmetic)")
    size, accumulated = experiment.train.batch_size, experiment.train.gradient_accumulation
    if size > 1:
        parts = size * accumulated
        found.append(f"train.batch_size=1 --set train.gradient_accumulation={parts} (the same step, in smaller parts)")
    if given.get("weights") == "float32" and given.get("tuning") != "full" and given.get("frozen") is not False:
        found.append("model.weights=bfloat16 (half the memory of the pretrained weights)")
    if experiment.train.precision == "no":
        found.append("train.precision=bf16 (half the activations)")
    if given.get("tuning") == "full":
        found.append("model.tuning=lora (gradients and optimiser of a few weights in a hundred)")
    elif "base" in given and given["base"] is None:
        found.append('model.base=int8, or model.base=nf4 (a half, or a quarter, of bf16\'s memory; needs "quant")')
    in_chunks = "chunk" in given and given["chunk"] is None and given.get("pooling") != "last"
    if in_chunks and experiment.text.max_tokens > 1024:
        found.append("model.chunk=512 --set model.overlap=128 (notes in pieces; tokens see less of each other)")
    found.append(f"text.max_tokens={experiment.text.max_tokens // 2} (what comes after is left unread, and said so)")
    return found
