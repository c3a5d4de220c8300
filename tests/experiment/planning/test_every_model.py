"""Every member of `models/` can be planned; a new one is planned here without a line being added."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
import torch

from icdcoder import systems
from icdcoder.core import components
from icdcoder.core.label_space import LabelSpace
from icdcoder.experiment.planning.plan import scoring_memory, step_memory
from icdcoder.experiment.planning.rehearsal import emptied
from icdcoder.nn.contract import Batch, ModelContext, channels_of

WORDS, CODES = 200, 20
ENCODER = {
    "model_type": "bert",
    "vocab_size": WORDS,
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 600,
}
# A model that writes codes needs a decoder.
T5_SIZES = {"d_model": 32, "d_kv": 16, "d_ff": 32, "num_layers": 1, "num_decoder_layers": 1, "num_heads": 2}
WRITES = {"generative_coder": {"model_type": "t5", "vocab_size": WORDS, **T5_SIZES}}
KINDS = components.names("models")
# Settings that change what is computed; most repeat on demand what authors' code does.
OTHERS: dict[str, dict[str, Any]] = {
    "generative_coder": {"attention_weight": 0.0},
    "dr_caml": {"set_order": True, "pool_padding": True},
    **{kind: {"attend_padding": True, "chunk": 16} for kind in ("plm_ca", "xr_lat")},
    "plm_icd": {"attend_padding": True, "show_padding": True, "chunk": 16},
    "hilat": {"attend_padding": True, "chunk_by": "sections", "chunk": 16},
}


@pytest.mark.parametrize(("kind", "changed"), [*((kind, {}) for kind in KINDS), *OTHERS.items()])
def test_it_has_a_plan(kind: str, changed: dict[str, Any]) -> None:
    module = components.load("models", kind)
    settings: dict[str, Any] = dict(changed)
    if "architecture" in module.Config.model_fields:
        pytest.importorskip("transformers", reason="needs the extra [llm]")
        settings["architecture"] = {"config": WRITES.get(kind, ENCODER), "prefix": [2], "suffix": [3]}
    space = LabelSpace(islice(systems.load("icd10cm").billable(), 100, 100 + 3 * CODES, 3))
    with torch.device("meta"):
        model = module.build(module.Config(**settings), ModelContext(WORDS, space))
    light = emptied(model)
    told = {name: torch.zeros(2, 30, dtype=torch.long) for name in channels_of(light)}
    batch = Batch(torch.full((2, 30), 5), torch.ones(2, 30, dtype=torch.bool), torch.ones(2, CODES), told)
    training, step = step_memory(light, batch)
    scoring, forward = scoring_memory(light, batch)
    assert training.weights == scoring.weights > 0
    assert training.gradients > 0
    assert training.peak >= training.weights + training.gradients + training.optimiser
    assert step.flops_a_note > forward.flops_a_note > 0
