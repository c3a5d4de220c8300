"""A ranker and a combined coder over the small synthetic corpus: fitted, packed, loaded, used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from icdcoder.coder import Coder
from icdcoder.core.config import build
from icdcoder.core.document import Document
from icdcoder.core.errors import ArtefactError, ConfigError, InputError
from icdcoder.core.note import Note
from icdcoder.experiment.combining import combine
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.open_report import open_report
from icdcoder.experiment.ranking import fit, fit_ranker, matrices, ranker_threshold, read_corpus
from icdcoder.predictors import lexicon
from icdcoder.predictors.ranked import Config
from icdcoder.predictors.ranking import boosting, fitting

NINE = build(Config, {"dictionary": {"system": "icd9cm"}}, "ranked")


@pytest.fixture(scope="module", autouse=True)
def small_rankers() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        small = boosting.Boosting(trees=12, depth=3, rate=0.3)
        patch.setattr(boosting, "Boosting", lambda: small)
        patch.setattr(fitting, "FOLDS", 4)
        yield


@pytest.fixture(scope="module")
def folder(done: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("ranked") / "coder"
    threshold = fit_ranker(done, NINE, place)
    assert 0 < threshold.value < 1
    return place


@pytest.fixture(scope="module")
def combined(done: Experiment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("combined") / "coder"
    combine(done, NINE, done.coder, place)
    return place


@pytest.fixture(scope="module")
def test_part(done: Experiment) -> list[Document]:
    return [d for d in read_corpus(done, NINE).documents if d.split == "test"]


def micro_f1(coder: Coder, documents: list[Document]) -> float:
    predictions = list(coder.code_all([d.joined() for d in documents], top=10_000))
    return open_report([], documents, predictions)["measures"]["micro_f1"]


def test_a_ranker_beats_the_dictionary_that_it_ranks(folder: Path, test_part: list[Document]) -> None:
    assert micro_f1(Coder.load(folder), test_part) > micro_f1(Coder.builtin("icd9cm"), test_part)


def test_codes_come_with_evidence_in_the_note(folder: Path, test_part: list[Document]) -> None:
    note = test_part[0].joined()
    prediction = Coder.load(folder).code(note, top=5)
    assert prediction.accepted
    scores = [c.score for c in prediction.codes]
    assert scores == sorted(scores, reverse=True)
    spans = [e for c in prediction.codes for e in c.evidence]
    assert spans
    assert all(note.text[e.start : e.end] == e.text for e in spans)


@pytest.mark.parametrize("kind", ["folder", "combined"])
def test_odd_notes_get_an_answer(kind: str, request: pytest.FixtureRequest) -> None:
    coder = Coder.load(request.getfixturevalue(kind))
    for text in ("", " \n\t", "…", "12 34", "\x00", "hypertension " * 300):
        prediction = coder.code(Note("odd", text))
        assert all(0 <= c.score <= 1 for c in prediction.codes)
    assert coder.code("").warnings


def test_the_same_settings_give_the_same_coder(folder: Path, done: Experiment, tmp_path: Path) -> None:
    fit_ranker(done, NINE, tmp_path / "again")
    for name in ("ranker.json", "ranker.npz"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_no_note_is_ranked_by_habits_that_have_seen_it(done: Experiment) -> None:
    """A code that only one note has, and that the dictionary does not find there, is no candidate of that note while
    fitting."""
    documents = [d for d in read_corpus(done, NINE).documents if d.split != "test"][:60]
    lone = documents[0]
    from icdcoder.core.code import Code

    alien = Code("icd9cm", "000.00")
    marked = Document(lone.id, lone.notes, (*lone.codes, alien), lone.patient, lone.split)
    fitted = fit([marked, *documents[1:]], NINE, lexicon.build(NINE.dictionary), seed=0)
    assert alien not in fitted.codes[0]


def test_notes_of_one_patient_are_in_one_fold() -> None:
    groups = [f"p{i // 3}" for i in range(90)]
    fold = fitting.folds(groups, seed=1)
    assert all(len({f for f, g in zip(fold, groups, strict=True) if g == name}) == 1 for name in set(groups))
    assert len(set(fold)) == fitting.FOLDS


def test_gold_that_is_no_candidate_counts_against_the_threshold() -> None:
    import numpy as np

    gold, scores = matrices([{"a", "b"}, set()], [["b"], ["c"]], [np.array([0.5]), np.array([0.25])])  # type: ignore[list-item]
    assert gold.tolist() == [[True, True, False], [False] * 3]
    assert scores.tolist() == [[0, 0.5, 0], [0, 0, 0.25]]


def test_the_threshold_is_half_of_the_best_f1() -> None:
    import numpy as np

    random = np.random.default_rng(0)
    scores = random.beta(0.3, 0.6, (400, 10))
    gold = random.random(scores.shape) < scores  # true probabilities
    best = ranker_threshold(gold, scores, habits=False)
    found = ranker_threshold(gold, scores, habits=True)
    assert best.score is not None
    assert found.score is not None
    assert found.value == pytest.approx(best.score / 2)
    assert found.score == pytest.approx(best.score, abs=0.01)


def test_of_probabilities_that_are_not_true_the_best_threshold_itself_is_taken() -> None:
    import numpy as np

    gold, scores = np.array([[True, True, False, False]]), np.array([[0.04, 0.03, 0.02, 0.01]])
    assert ranker_threshold(gold, scores, habits=True) == ranker_threshold(gold, scores, habits=False)


def test_a_ranker_without_habits_knows_no_code_but_the_dictionary(done: Experiment, tmp_path: Path) -> None:
    bare = NINE.model_copy(update={"habits": False})
    fit_ranker(done, bare, tmp_path / "bare")
    coder = Coder.load(tmp_path / "bare")
    assert (tmp_path / "bare" / "ranker.npz").stat().st_size < 200_000
    found = coder.code("Hypertension. Community-acquired pneumonia.")
    assert {c.code for c in found.codes} <= {
        c.code for c in Coder.builtin("icd9cm").code("Hypertension. Community-acquired pneumonia.", top=999).codes
    } | {c.code for c in found.codes if c.score < 0.5}


def test_a_combined_coder_lists_codes_of_both(combined: Path, done: Experiment, test_part: list[Document]) -> None:
    coder, trained = Coder.load(combined), Coder.load(done.coder)
    note = test_part[0].joined()
    listed = {c.code for c in coder.code(note, top=10_000).codes}
    assert {c.code for c in trained.code(note, top=10).codes} <= listed
    assert micro_f1(coder, test_part) > micro_f1(trained, test_part)


def test_the_combined_coder_needs_nothing_but_its_folder(combined: Path, tmp_path: Path) -> None:
    from icdcoder.cli.packing import pack

    pack(str(combined), str(tmp_path / "packed"))
    assert Coder.load(tmp_path / "packed").code("Hypertension.").codes


def test_a_dictionary_of_another_system_is_refused(done: Experiment, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="icd10cm"):
        fit_ranker(done, Config(), tmp_path / "no")
    assert not (tmp_path / "no").exists()


def test_too_few_patients_are_refused(done: Experiment) -> None:
    few = [d for d in read_corpus(done, NINE).documents if d.split == "train"][:6]
    with pytest.raises(InputError, match="patients"):
        fit(few, NINE, lexicon.build(NINE.dictionary), seed=0)


def test_a_coder_without_probabilities_is_not_combined(done: Experiment, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="probabilities"):
        combine(done, NINE, folder, tmp_path / "no")


def test_a_damaged_ranker_is_refused(folder: Path, tmp_path: Path) -> None:
    from icdcoder.cli.packing import pack

    pack(str(folder), str(tmp_path / "copy"))
    path = tmp_path / "copy" / "ranker.npz"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ArtefactError, match="damaged"):
        Coder.load(tmp_path / "copy")
