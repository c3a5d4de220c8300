"""Claims of papers as experiments: equal terms for all arms, and what cannot run is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from icdcoder.core.errors import ConfigError
from icdcoder.experiment import sweep
from icdcoder.experiment.claims import described, measures
from icdcoder.experiment.claims.arms import LanguageModel, chosen, given_checkpoint, settings_of
from icdcoder.experiment.claims.described import Arm, Claim
from icdcoder.experiment.claims.report import markdown
from icdcoder.experiment.claims.run import Outcome, Tried, try_claims
from icdcoder.experiment.config import Experiment
from icdcoder.models.llm_multirescnn import Reduction
from icdcoder.train.stopping import TrainingInterruptedError

PAPER1 = described.load("paper1-claims")
PAPER2 = described.load("paper2-claims")
MODEL = LanguageModel("folder", 192, 512)
SMALL = (
    "corpus.documents=40",
    "corpus.codes=6",
    "train.epochs=1",
    "train.learning_rate=0.01",
    "model.kernels=[3]",
    "model.blocks=[4]",
    "model.dropout=0.0",
)


def settings(claim: str, number: int, corpus: str = "synthetic", *given: str) -> dict[str, Any]:
    one = next(one for one in PAPER1.claims if one.name == claim)
    found = settings_of(PAPER1, one, one.arms[number], corpus, MODEL, given)
    assert isinstance(found, dict), found
    return found


@pytest.mark.parametrize("claim", [claim.name for claim in PAPER1.claims])
@pytest.mark.parametrize("corpus", PAPER1.corpora)
def test_all_arms_of_a_claim_have_the_same_data_and_budget(claim: str, corpus: str) -> None:
    one = next(one for one in PAPER1.claims if one.name == claim)
    if one.on and corpus not in one.on:
        assert one not in chosen(PAPER1, corpus, ())
        return
    found = [
        settings(claim, i, corpus, "corpus.root=x" if corpus != "synthetic" else "seed=1") for i in range(len(one.arms))
    ]
    for table in ("corpus", "labels"):
        assert all(arm[table] == found[0][table] for arm in found)
    for arm, own in zip(one.arms, found, strict=True):
        assert bool(arm.train) == ("rate" in arm.name), "an arm with a rate of its own says so"
        assert set(arm.train) <= {"learning_rate", "optimiser", "schedule", "warmup_steps"}
        assert own["train"] == found[0]["train"] | arm.train
    for key in ("kernels", "blocks", "dropout"):
        assert len({str(arm["model"].get(key)) for arm in found if "mult" in arm["model"]["kind"]}) == 1


@pytest.mark.parametrize("claim", PAPER2.claims, ids=lambda claim: claim.name)
@pytest.mark.parametrize("corpus", PAPER2.corpora)
def test_every_arm_of_the_second_paper_is_a_valid_experiment_on_equal_data(claim: Claim, corpus: str) -> None:
    if claim.on and corpus not in claim.on:
        assert claim not in chosen(PAPER2, corpus, ())
        return
    root = ("corpus.root=x",) if corpus != "synthetic" else ()
    found = [settings_of(PAPER2, claim, arm, corpus, MODEL, root) for arm in claim.arms]
    same = []
    for arm in found:
        assert isinstance(arm, dict)
        Experiment.resolve({**arm, "name": "x"})
        same.append({table: arm[table] for table in ("corpus", "labels", "train")})
    assert all(one == same[0] for one in same)


def test_arms_of_sampling_read_as_many_tokens_and_differ_in_which() -> None:
    claim = next(one for one in PAPER2.claims if one.name == "sampling")
    found = [settings_of(PAPER2, claim, arm, "synthetic", MODEL, ()) for arm in claim.arms[:3]]
    texts = [settings["text"] for settings in found if isinstance(settings, dict)]
    assert {text["max_tokens"] for text in texts} == {claim.late_after}
    assert [text["sampler"] for text in texts] == ["head", "knowledge_sections", "knowledge"]


def test_the_reductions_of_the_paper_are_all_there() -> None:
    claim = next(one for one in PAPER1.claims if one.name == "b")
    named = {arm.model.get("reduction") for arm in claim.arms}
    assert named >= {f"cnn-{n}" for n in (1024, 768, 512, 300, 100)} | {"cnn-1024_map_256", "residual-128"}
    assert settings("b", 6)["model"]["reduction"] == "residual-192"  # as wide as the states
    for i in range(len(claim.arms)):
        Reduction.parse(settings("b", i)["model"]["reduction"])


def test_lengths_are_multiples_of_the_trained_context() -> None:
    cut, yarn, linear, chunks = (settings("d", i) for i in range(4))
    assert cut["text"]["max_tokens"] == 510
    assert "context" not in cut["model"]
    assert yarn["text"]["max_tokens"] == linear["text"]["max_tokens"] == chunks["text"]["max_tokens"] == 1022
    assert yarn["model"]["context"] == linear["model"]["context"] == 1024
    assert chunks["model"]["chunk"] == 512
    assert cut["corpus"]["late_share"] == 1.0


def test_subwords_read_as_much_text_as_words_and_in_chunks_where_it_is_long() -> None:
    root = "corpus.root=corpus"
    words, states = settings("a", 0, "codiesp", root), settings("a", 2, "codiesp", root)
    assert states["text"]["max_tokens"] == 2 * words["text"]["max_tokens"] == 1000
    assert states["model"]["chunk"] == 512
    assert states["text"]["tokens"] == "subwords"
    assert "chunk" not in settings("a", 2)["model"]  # 400 of 512 that it was trained on
    assert "tokens" not in words["text"]


@pytest.mark.parametrize("claim", ["c-50", "c-all"])
def test_a_direct_classifier_reads_every_chunk_where_it_reads_in_chunks(claim: str) -> None:
    for i in (2, 3):
        model = settings(claim, i, "codiesp", "corpus.root=corpus")["model"]
        assert (model["kind"], model["chunk"], model["pooling"]) == ("llm_classifier", 512, "mean")
    assert "pooling" not in settings(claim, 1, "codiesp", "corpus.root=corpus")["model"]


def test_the_users_settings_are_above_all_others() -> None:
    assert settings("a", 0, "synthetic", "train.epochs=3")["train"]["epochs"] == 3
    assert given_checkpoint(["checkpoint=here", "train.epochs=3"]) == ("here", ["train.epochs=3"])


@pytest.mark.parametrize(
    ("claim", "number", "corpus", "model", "reason"),
    [
        ("a", 2, "synthetic", None, "needs a language model"),
        ("a", 0, "cmc2007", None, "needs the folder of the corpus"),
        ("d", 1, "synthetic", LanguageModel("t5", 8, None), "no trained length"),
    ],
)
def test_an_arm_that_cannot_run_says_why(
    claim: str, number: int, corpus: str, model: LanguageModel | None, reason: str
) -> None:
    one = next(one for one in PAPER1.claims if one.name == claim)
    found = settings_of(PAPER1, one, one.arms[number], corpus, model, ())
    assert isinstance(found, str)
    assert reason in found


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'paper1-claims'"):
        described.load("paper1-claim")
    with pytest.raises(ConfigError, match="no claim 'e'"):
        chosen(PAPER1, "synthetic", ["e"])
    with pytest.raises(ConfigError, match="'d' is tried with --corpus synthetic only"):
        chosen(PAPER1, "cmc2007", ["a", "d"])
    with pytest.raises(ConfigError, match="'mimic3' is none of these"):
        chosen(PAPER1, "mimic3", [])


def test_the_table_gives_means_intervals_and_paired_differences() -> None:
    arms = PAPER1.claims[0].arms
    runs = [tuple({"micro_f1": f, "seconds_an_epoch": 2.0} for f in row) for row in ((0.5, 0.6), (0.6, 0.7))]
    tried = (Tried(arms[0], runs[0]), Tried(arms[1], runs[1]), Tried(arms[2], (), "needs a language model"))
    found = markdown(Outcome(PAPER1, "synthetic", "/somewhere/llama", ((PAPER1.claims[0], tried),)))
    assert "| word vectors, random at first | 2 | 0.550 ± 0.635 | 2.0 ± 0.0 |  |" in found
    assert "| +0.100 ± 0.000 |" in found
    assert "frozen states, cnn-100: not run, needs a language model" in found
    assert "Language model: llama" in found
    assert "somewhere" not in found


def test_late_codes_are_those_told_only_behind_the_trained_length(done: Experiment) -> None:
    """Everything is late behind no token at all, and nothing behind more than there are."""
    from icdcoder.experiment.prepared import Prepared

    prepared = Prepared.load(done.prepared)
    test = prepared.split("test")
    with np.load(done.report / "scores.npz") as saved:
        gold, scores = saved["gold"].astype(bool), saved["scores"]
    threshold = measures.load_card(done.coder / "coder.json", "a coder", ["threshold"])["threshold"]["value"]
    told = np.zeros_like(gold)
    for row, i in enumerate(test):
        for one in prepared.documents[i].joined_evidence() or ():
            if one.code in prepared.space:
                told[row, prepared.space.index(one.code)] = True
    assert measures.recall_of_late_codes(done.folder, 0) == pytest.approx((scores > threshold)[told].mean())
    assert measures.recall_of_late_codes(done.folder, 100_000) is None


def test_unseen_wording_is_evidence_that_no_training_note_has_for_that_code(done: Experiment) -> None:
    from icdcoder.experiment.prepared import Prepared

    prepared = Prepared.load(done.prepared)

    def told(i: int) -> dict[Any, set[str]]:
        found: dict[Any, set[str]] = {}
        text = prepared.documents[i].joined().text.lower()
        for one in prepared.documents[i].joined_evidence() or ():
            found.setdefault(one.code, set()).add(" ".join(text[one.start : one.end].split()))
        return found

    seen: dict[Any, set[str]] = {}
    for i in prepared.split("train"):
        for code, words in told(i).items():
            seen.setdefault(code, set()).update(words)
    with np.load(done.report / "scores.npz") as saved:
        scores = saved["scores"]
    threshold = measures.load_card(done.coder / "coder.json", "a coder", ["threshold"])["threshold"]["value"]
    hits = [
        scores[row, prepared.space.index(code)] > threshold
        for row, i in enumerate(prepared.split("test"))
        for code, words in told(i).items()
        if code in prepared.space and not words & seen.get(code, set())
    ]
    assert hits, "the corpus holds words back for its test part"
    assert measures.recall_of_unseen_wording(done.folder) == pytest.approx(np.mean(hits))


def test_a_claim_of_the_second_paper_runs_from_end_to_end(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    outcome = try_claims(
        "paper2-claims",
        corpus="synthetic",
        wanted=["label-attention", "sampling"],
        seeds=(1,),
        settings=(f"checkpoint={checkpoints['t5']}", "corpus.documents=40", "corpus.codes=6", "train.epochs=1"),
        runs=tmp_path,
        alone=False,
    )
    (_, ways), (_, samplers) = outcome.tried
    assert [one.reason for one in (*ways, *samplers)] == [""] * 9
    gen, att, both, _ = (one.runs[0] for one in ways)
    assert "attention_micro_f1" not in gen
    assert "generation_micro_f1" not in att
    assert {"generation_micro_f1", "attention_micro_f1", "recall_of_unseen_wording"} <= set(both)
    assert all("recall_of_late_codes" in one.runs[0] for one in samplers)
    assert [not list(tmp_path.glob(f"*/*{one}*/coder")) for one in ("oracle", "paragraphs")] == [True, False]


def test_a_claim_runs_from_end_to_end_and_is_kept(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    asked: dict[str, Any] = {
        "corpus": "synthetic",
        "wanted": ["d"],
        "seeds": (1,),
        "settings": (f"checkpoint={checkpoints['llama']}", *SMALL, "model.reduction=cnn-6"),
        "runs": tmp_path,
        "alone": False,
    }
    outcome = try_claims("paper1-claims", **asked)
    (claim, tried), *_ = outcome.tried
    assert [one.reason for one in tried] == [""] * len(claim.arms)
    for one in tried:
        assert {"micro_f1", "trained_weights", "seconds_an_epoch", "recall_of_late_codes"} <= set(one.runs[0])
    folder = tmp_path / "paper1-claims-synthetic-llama"
    assert (folder / "claims.md").read_text(encoding="utf-8") == markdown(outcome)
    assert list((folder / "states").glob("*/shard-*.safetensors"))
    assert try_claims("paper1-claims", **asked) == outcome  # nothing is run twice: times would differ


def test_an_arm_that_fails_costs_itself_only(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    """BERT counts places, which cannot be stretched."""
    outcome = try_claims(
        "paper1-claims",
        corpus="synthetic",
        wanted=["d"],
        seeds=(1,),
        settings=(f"checkpoint={checkpoints['bert']}", *SMALL, "model.reduction=cnn-6"),
        runs=tmp_path,
        alone=False,
    )
    (_, tried), *_ = outcome.tried
    assert [bool(one.reason) for one in tried] == [False, True, True, False]


def test_a_signal_ends_all_arms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise TrainingInterruptedError("Training was stopped by SIGTERM in epoch 1 after step 2.")

    monkeypatch.setattr(sweep, "sweep_over", interrupted)
    with pytest.raises(TrainingInterruptedError):
        try_claims("paper3-claims", corpus="synthetic", wanted=["claim"], seeds=(1,), runs=tmp_path, alone=False)


def test_an_arm_is_not_both_more_and_less_than_a_chunk() -> None:
    with pytest.raises(ValueError, match="chunk"):
        Arm(name="x", model={}, chunk=1.5)
