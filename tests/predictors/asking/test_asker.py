from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.core.note import Note
from icdcoder.predictors.asking.asker import Asker, AskingConfig, Example, files, sample
from icdcoder.text.knowledge_sample import KnowledgeSampler

PLACES = frozenset({"concept"})
NAMES = ("fever", "cough", "pain", "rash")
TEXTS = [f"seen today with {first} and {second}" for first in NAMES for second in NAMES if first != second]
QUESTIONS = [{"concept": name} for name in NAMES]
QUICK = AskingConfig(epochs=20, learning_rate=0.002, batch_size=2, questions=4, tuning="full")


@pytest.fixture(scope="module")
def checkpoint(causal_models: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Narrower, or with smaller weights, most seeds learn nothing in this time.
    size = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4, "initializer_range": 0.15}
    return causal_models.save(tmp_path_factory.mktemp("model"), [*TEXTS, *NAMES], **size)


def new(folder: Path, **changes: object) -> Asker:
    config = QUICK.model_copy(update={"checkpoint": folder, **changes})
    return Asker.new(config, "concept", PLACES, "[model.scorer.asking]")


def examples() -> list[Example]:
    return [
        Example(Note(str(i), text), QUESTIONS, np.array([name in text for name in NAMES], dtype=np.float32))
        for i, text in enumerate(TEXTS)
    ]


@pytest.fixture(scope="module")
def trained(checkpoint: Path) -> Asker:
    asker = new(checkpoint)
    losses = asker.fit(examples(), 0)
    assert losses[-1] < losses[0]
    return asker


def test_it_learns_what_a_note_says(trained: Asker) -> None:
    found = np.stack([trained.probabilities(Note("a", text), QUESTIONS) for text in TEXTS])
    truth = np.array([[name in text for name in NAMES] for text in TEXTS])
    assert found[truth].mean() > found[~truth].mean() + 0.2
    assert (trained.probabilities(Note("b", " "), QUESTIONS) == 0).all()


def test_scores_are_those_of_asking_one_by_one(trained: Asker) -> None:
    note = Note("a", TEXTS[0])
    together = trained.probabilities(note, QUESTIONS)
    model, answers = trained.model.model, trained.model.answers
    for fields, found in zip(QUESTIONS, together, strict=True):
        asked = trained.asked(note, [fields])
        whole = [*asked.text, *asked.questions[0], *answers.shared]
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([whole])).logits[0, -1]
        assert found == pytest.approx(torch.softmax(logits[[answers.yes, answers.no]], 0)[0].item(), abs=1e-4)


def test_no_prompt_holds_the_answer(checkpoint: Path) -> None:
    """What the model reads in training is the rendered prompt, whatever the targets are."""
    seen: list[list[tuple[list[int], list[list[int]]]]] = []
    for flip in (False, True):
        asker, read = new(checkpoint, epochs=2), []
        every = [Example(e.note, e.questions, 1 - e.targets if flip else e.targets) for e in examples()[:6]]
        asker.model.register_forward_pre_hook(
            lambda module, given, read=read: read.append((list(given[0].text), [list(q) for q in given[0].questions]))
        )
        asker.fit(every, 0)
        prompts = {tuple(asker.text(e.note)) for e in every}
        asked = {tuple(asker.tokenizer.encode(asker.prompt.fill(q)).tolist()) for q in QUESTIONS}
        assert {tuple(text) for text, _ in read} == prompts
        assert {tuple(question) for _, questions in read for question in questions} <= asked
        seen.append(read)
    # With all four questions asked of each note, the same prompts are read whichever answers are gold.
    same = [sorted((tuple(text), tuple(sorted(map(tuple, qs)))) for text, qs in read) for read in seen]
    assert same[0] == same[1]


def test_a_tokenizer_that_splits_yes_has_a_defined_path(causal_models: ModuleType, tmp_path: Path) -> None:
    asker = new(causal_models.save(tmp_path, [*TEXTS, *NAMES], split=True))
    space, yes, no = (asker.tokenizer.encode(letter).tolist()[0] for letter in " yn")
    assert (asker.model.answers.shared, asker.model.answers.yes, asker.model.answers.no) == ((space,), yes, no)
    assert asker.probabilities(Note("a", TEXTS[0]), QUESTIONS).shape == (4,)


def test_answers_with_and_without_a_space_are_two_settings(causal_models: ModuleType, tmp_path: Path) -> None:
    folder = causal_models.save(tmp_path, [*TEXTS, *NAMES], split=True)
    joined = new(folder, yes="yes", no="no")
    assert joined.model.answers.shared == ()
    with pytest.raises(ConfigError, match="cannot tell the two answers apart"):
        new(folder, yes="no", no="not")


def test_a_long_note_leaves_room_for_the_question(causal_models: ModuleType, tmp_path: Path) -> None:
    asker = new(causal_models.save(tmp_path, [*TEXTS, *NAMES], context=48))
    asked = asker.asked(Note("a", "fever " * 500), QUESTIONS)
    assert len(asked.text) + max(map(len, asked.questions)) == 48
    assert asker.probabilities(Note("a", "fever " * 500), QUESTIONS).shape == (4,)
    assert len(new(tmp_path, max_tokens=3).text(Note("a", "fever " * 500))) < 48


def test_a_prompt_that_leaves_the_note_no_room_is_refused(causal_models: ModuleType, tmp_path: Path) -> None:
    asker = new(causal_models.save(tmp_path, [*TEXTS, *NAMES], context=24))
    with pytest.raises(ConfigError, match=r"reads 24 at once, so that no room is left for the note"):
        asker.probabilities(Note("a", "fever"), QUESTIONS)


def test_the_default_leaves_room_for_the_questions(causal_models: ModuleType, tmp_path: Path) -> None:
    asker = new(causal_models.save(tmp_path, [*TEXTS, *NAMES], split=True, context=512))
    assert asker.config.max_tokens > 512
    note = Note("a", "fever " * 500)
    asked = asker.asked(note, QUESTIONS)
    longest = max(map(len, asked.questions)) + len(asker.model.answers.shared)
    assert len(asked.text) + longest == 512
    assert asker.probabilities(note, QUESTIONS).shape == (4,)


def test_what_is_not_read_is_said(causal_models: ModuleType, tmp_path: Path) -> None:
    folder = causal_models.save(tmp_path, [*TEXTS, *NAMES], context=48)
    note = Note("a", "fever " * 500)
    for asker in (new(folder), new(folder, max_tokens=5)):
        (left,) = asker.left_unread(note, QUESTIONS)
        read = asker.asked(note, QUESTIONS).text.count(asker.tokenizer.encode("fever")[0])
        assert left.start == read * len("fever ")
        assert left.end == len(note.text.rstrip())
        assert asker.left_unread(Note("b", "fever"), QUESTIONS) == ()
        assert asker.left_unread(Note("c", " "), QUESTIONS) == ()


def test_a_sampler_chooses_what_is_asked_about(causal_models: ModuleType, tmp_path: Path) -> None:
    folder = causal_models.save(tmp_path, [*TEXTS, *NAMES])
    config = AskingConfig(checkpoint=folder, tuning="none", max_tokens=3)
    sampler = KnowledgeSampler(["rash"])
    asker = Asker.new(config, "concept", PLACES, "[asking]", 0, sampler)
    note = Note("a", "seen today with pain\n\nPlan:\nrash fever\n")
    rash = asker.tokenizer.encode("rash")[0]
    assert rash in asker.text(note)
    assert rash not in new(folder, max_tokens=3).text(note)
    assert all("fewer words speak of a code" in span.reason for span in asker.left_unread(note, QUESTIONS))
    asker.save(tmp_path, "m")
    assert Asker.read(config, tmp_path, "m", PLACES, sampler).text(note) == asker.text(note)


@pytest.mark.parametrize("changes", [{}, {"tuning": "lora", "lora_rank": 2}, {"tuning": "none"}, {"whole": False}])
def test_a_saved_asker_answers_the_same(checkpoint: Path, tmp_path: Path, changes: dict[str, object]) -> None:
    asker = new(checkpoint, **{"epochs": 1, **changes})
    asker.fit(examples()[:4], 0)
    asker.save(tmp_path, "m")
    assert {path.name for path in tmp_path.iterdir()} == set(files("m"))
    config = asker.config if changes.get("whole") is False else asker.config.model_copy(update={"checkpoint": None})
    note = Note("a", TEXTS[0])
    again = Asker.read(config, tmp_path, "m", PLACES)
    np.testing.assert_allclose(again.probabilities(note, QUESTIONS), asker.probabilities(note, QUESTIONS), atol=1e-6)


def test_files_that_do_not_fit_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    asker = new(checkpoint, tuning="none")
    asker.save(tmp_path, "m")
    with pytest.raises(ArtefactError, match="does not fit"):
        Asker.read(asker.config.model_copy(update={"tuning": "lora"}), tmp_path, "m", PLACES)
    with pytest.raises(ConfigError, match=r"name its checkpoint"):
        Asker.read(asker.config.model_copy(update={"whole": False, "checkpoint": None}), tmp_path, "m", PLACES)
    with pytest.raises(ConfigError, match=r"\[model.scorer.asking\] needs a language model"):
        Asker.new(AskingConfig(), "concept", PLACES, "[model.scorer.asking]")


def test_an_encoder_is_refused(tiny_models: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"lacks .* weights that its config.json asks for"):
        new(tiny_models.save("llama", tmp_path / "llama"))
    with pytest.raises(ConfigError, match="no causal language model"):
        new(tiny_models.save("t5", tmp_path / "t5"))


def test_half_of_the_questions_are_positive_where_there_are_so_many() -> None:
    rng = np.random.default_rng(0)
    targets = np.array([1] * 10 + [0] * 30, dtype=np.float32)
    assert targets[sample(targets, 8, rng)].sum() == 4
    assert len(sample(targets, 100, rng)) == 40
    assert targets[sample(1 - targets * 0, 8, rng)].shape == (8,)
    few = np.array([1] + [0] * 30, dtype=np.float32)
    assert few[sample(few, 8, rng)].sum() == 1
    assert len(set(sample(few, 8, rng))) == 8
