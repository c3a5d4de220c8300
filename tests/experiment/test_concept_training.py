from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from icdcoder.coder import Coder
from icdcoder.core.code import Code
from icdcoder.core.concept import ConceptCoder
from icdcoder.core.config import Settings
from icdcoder.core.document import Document
from icdcoder.core.errors import ArtefactError, ConfigError, InputError
from icdcoder.core.note import Note
from icdcoder.core.prediction import Evidence, Span
from icdcoder.experiment import concept_control, concept_scoring, concept_training
from icdcoder.experiment.concept_control import MARGIN, Control, control
from icdcoder.experiment.concept_coverage import coverage
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.deciding import decide
from icdcoder.experiment.evaluating import evaluate
from icdcoder.experiment.flow import run
from icdcoder.experiment.measuring import measure_coder
from icdcoder.experiment.prepare import prepare
from icdcoder.experiment.prepared import Prepared
from icdcoder.experiment.training import train_model
from icdcoder.explain.concepts import explain, parse_answers, reasons
from icdcoder.knowledge.concepts import ConceptSet
from icdcoder.measure.page import meaning
from icdcoder.measure.report import Report
from icdcoder.predictors import concept, concept_stages
from icdcoder.predictors.concept_heads import network

from .conftest import experiment as neural


def experiment(folder: Path, **model: object) -> Experiment:
    return Experiment.resolve(
        {
            "name": "small",
            "seed": 3,
            "runs": str(folder),
            "corpus": {"kind": "synthetic", "documents": 120, "codes": 10, "seed": 1},
            "text": {"max_tokens": 300, "min_documents": 2},
            "model": {"kind": "concept", "folds": 3, "steps": 60, **model},
        }
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    asked = experiment(tmp_path_factory.mktemp("runs"))
    run(asked)
    return asked


@pytest.fixture(scope="module")
def coder(done: Experiment) -> Coder:
    return Coder.load(done.coder)


@pytest.fixture(scope="module")
def note(done: Experiment) -> Note:
    prepared = Prepared.load(done.prepared)
    return prepared.documents[prepared.split("test")[0]].joined()


def test_the_flow_ends_with_a_report_that_has_been_checked_for_leaks(done: Experiment) -> None:
    report = Report.load(done.report)
    assert report.metrics["micro_f1"] > 0.6
    assert report.metrics["concepts_rule_f1"] < 0.8
    assert not any("COPIED" in warning for warning in report.warnings)
    assert not any("permuted" in warning for warning in report.warnings)
    assert abs(report.metrics["concepts_control_f1"] - report.metrics["concepts_control_chance_f1"]) < MARGIN
    assert sum(one.gold for one in report.concepts_on) > 0
    assert all(meaning(name) for name in report.metrics)
    assert {p.name for p in done.folder.iterdir()} == {"prepared", "run", "coder", "report"}


def test_a_second_run_trains_nothing_and_other_settings_are_refused(done: Experiment) -> None:
    before = (done.run / network.HEAD).stat().st_mtime_ns
    train_model(done)
    assert (done.run / network.HEAD).stat().st_mtime_ns == before
    with pytest.raises(ArtefactError, match="in model"):
        train_model(experiment(done.folder.parent, steps=61))


def test_deciding_before_training_says_what_to_do(tmp_path: Path) -> None:
    asked = experiment(tmp_path)
    prepare(asked)
    with pytest.raises(ArtefactError, match="icdcoder train"):
        decide(asked)


def test_the_packed_coder_is_a_concept_coder_and_gives_evidence(coder: Coder, note: Note) -> None:
    assert isinstance(coder.predictor, ConceptCoder)
    prediction = coder.code(note, top=5)
    assert prediction.accepted
    for code in prediction.accepted:
        for evidence in code.evidence:
            assert note.text[evidence.start : evidence.end] == evidence.text
    assert any(code.evidence for code in prediction.accepted)
    assert coder.code("").warnings


def test_an_answer_that_is_changed_changes_the_code_at_once(coder: Coder, note: Note) -> None:
    plain = next(one for one in reasons(coder.predictor, note) if one.supporting and one.supporting[0].own)
    strongest = plain.supporting[0]
    edited = reasons(coder.predictor, note, [plain.code], {strongest.concept: 0.0})[0]
    assert strongest.weight > 0
    assert edited.score < plain.score
    assert edited.before == pytest.approx(plain.score)
    assert [reason.concept for reason in edited.missing if reason.is_set] == [strongest.concept]
    back = reasons(coder.predictor, note, [plain.code], {strongest.concept: strongest.score})[0]
    assert back.score == pytest.approx(plain.score)
    assert json.loads(json.dumps(plain.to_json()))["supporting"][0]["concept"] == strongest.concept


def test_from_python_one_call_of_the_coder_is_enough(coder: Coder, note: Note) -> None:
    plain = next(one for one in coder.concepts(note) if one.supporting and one.supporting[0].own)
    name = plain.supporting[0].concept
    edited = coder.concepts(note.text, [plain.code], {name: 0.0})[0]
    assert edited.score < plain.score
    assert edited.before == pytest.approx(plain.score)
    with pytest.raises(ConfigError, match="does not decide over concepts"):
        Coder.builtin().concepts("chest pain")


def test_heads_can_take_the_notes_own_logits(done: Experiment, tmp_path: Path) -> None:
    """Out of fold as well; alone, they are the direct way of coding."""
    found = {}
    for inputs in ("note", "both"):
        asked = experiment(tmp_path / inputs, inputs=inputs, note={"epochs": 8, "learning_rate": 0.01})
        found[inputs] = run(asked).metrics["micro_f1"]
        prepared = Prepared.load(asked.prepared)
        note = prepared.documents[prepared.split("test")[0]].joined()
        predictor = Coder.load(asked.coder).predictor
        assert isinstance(predictor, ConceptCoder)
        scores = predictor.concept_scores([note])
        every = predictor.code_probabilities(np.concatenate([scores, 1 - scores]), [note])
        np.testing.assert_allclose(every[0], predictor.probabilities([note])[0], atol=1e-6)
        assert np.allclose(every[0], every[1]) == (inputs == "note"), "concepts count where they are asked for"
        assert not np.allclose(every[0], predictor.code_probabilities(scores, [Note("b", "Nothing.")])[0])
    assert found["both"] > 0.5


def test_the_notes_own_logits_are_those_of_networks_that_have_not_seen_it(done: Experiment) -> None:
    prepared = Prepared.load(done.prepared)
    training = prepared.split("train")
    asked: list[tuple[set[str], list[str]]] = []
    patient_of = dict(zip(prepared.ids, prepared.patients, strict=True))

    def fit(documents: list[Document], name: str) -> SimpleNamespace:
        own: tuple[set[str], list[str]] = ({d.patient for d in documents}, [])
        asked.append(own)

        def scores(notes: list[Note]) -> npt.NDArray[np.float32]:
            own[1].extend(note.id for note in notes)
            return np.zeros((len(notes), len(prepared.space)), dtype=np.float32)

        return SimpleNamespace(scores=scores)

    concept_scoring.out_of_fold(fit, prepared, training, 3, seed=0)  # pyright: ignore
    assert all(not patients & {patient_of[i] for i in seen} for patients, seen in asked)


def test_supporting_and_missing_concepts_cover_all_of_a_code(coder: Coder, note: Note) -> None:
    predictor = coder.predictor
    assert isinstance(predictor, ConceptCoder)
    for one in reasons(predictor, note, predictor.space.codes):
        row = predictor.membership[predictor.space.index(one.code)]
        own = {reason.concept for reason in (*one.supporting, *one.missing) if reason.own}
        assert own == {predictor.concept_names[i] for i in np.flatnonzero(row)}
        assert all(reason.score >= 0.5 for reason in one.supporting)
    spans = explain(predictor, note, predictor.space.codes[:3], spans=1)
    assert all(len(found) <= 1 for found in spans.values())


def test_only_what_bears_on_a_wanted_code_is_tried(coder: Coder, note: Note, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = coder.predictor
    assert isinstance(predictor, concept.ConceptPredictor)
    code = predictor.space.codes[0]
    asked: list[tuple[int, object]] = []
    probabilities = predictor.code_probabilities

    def noting(self: object, scores: np.ndarray, notes: list[Note], codes: list[int] | None = None) -> np.ndarray:
        asked.append((len(scores), codes))
        return probabilities(scores, notes, codes)

    monkeypatch.setattr(concept.ConceptPredictor, "code_probabilities", noting)
    reasons(predictor, note, [code])
    tried = int((predictor.membership[0] | (predictor.concept_scores([note])[0] >= 0.5)).sum())
    assert asked == [(2, [0]), (2 * tried, [0])]
    assert tried < len(predictor.concepts)


def test_answers_are_read_and_wrong_ones_refused(coder: Coder, note: Note) -> None:
    assert parse_answers(["a=b=no", "x = Yes", "y=0.3"]) == {"a=b": 0.0, "x": 1.0, "y": 0.3}
    with pytest.raises(InputError, match="two ways"):
        parse_answers(["aspirin=no", "aspirin=yes"])
    for no_probability in ("nan", "1.5"):
        with pytest.raises(InputError, match="from 0 to 1"):
            parse_answers([f"aspirin={no_probability}"])
    for wrong in ("aspirin", "=no", "aspirin=perhaps"):
        with pytest.raises(InputError):
            parse_answers([wrong])
    with pytest.raises(InputError, match="no concept"):
        reasons(coder.predictor, note, (), {"no such thing": 1.0})
    name = coder.predictor.concept_names[0]  # pyright: ignore
    with pytest.raises(InputError, match="from 0 to 1"):
        reasons(coder.predictor, note, (), {name: 2.0})
    with pytest.raises(InputError, match="yes, no or a probability"):
        reasons(coder.predictor, note, (), {name: "perhaps"})
    code = coder.predictor.space.codes[0]  # pyright: ignore
    assert reasons(coder.predictor, note, [code], {name: "no"}) == reasons(coder.predictor, note, [code], {name: 0.0})
    for bare in (str(code), [str(code)]):
        with pytest.raises(InputError, match="is no Code"):
            reasons(coder.predictor, note, bare)  # pyright: ignore
    with pytest.raises(InputError, match="two of its names"):
        reasons(coder.predictor, note, (), {name: 0.0, name.upper(): 1.0})
    with pytest.raises(ConfigError, match="does not decide over concepts"):
        reasons(Coder.builtin().predictor, note)


@dataclass
class Recording:
    """A scorer that notes which patients it was fitted on and which notes it is asked about."""

    concepts: ConceptSet
    patients: set[str]
    asked: list[str]
    files: tuple[str, ...] = ()

    def scores(self, notes: list[Note]) -> npt.NDArray[np.float32]:
        self.asked += [note.id for note in notes]
        return np.zeros((len(notes), len(self.concepts)), dtype=np.float32)

    def evidence(self, note: Note) -> dict[int, tuple[Evidence, ...]]:
        return {}

    def save(self, folder: Path) -> None: ...


def test_the_head_never_sees_a_score_of_a_note_whose_patient_the_scorer_knows(done: Experiment) -> None:
    prepared = Prepared.load(done.prepared)
    training = prepared.split("train")
    known = concept_training.concepts_of(concept.Config(), prepared)
    scorers: list[Recording] = []

    def fit(documents: list[Document], name: str) -> Recording:
        scorers.append(Recording(known, {d.patient for d in documents}, []))
        return scorers[-1]

    scores = concept_scoring.out_of_fold(fit, prepared, training, 4, seed=0)  # pyright: ignore
    patient_of = dict(zip(prepared.ids, prepared.patients, strict=True))
    assert len(scorers) == 4
    assert scores.shape == (len(training), len(known))
    assert sorted(i for scorer in scorers for i in scorer.asked) == sorted(prepared.ids[i] for i in training)
    for scorer in scorers:
        assert not scorer.patients & {patient_of[i] for i in scorer.asked}
    with pytest.raises(InputError, match="folds"):
        concept_scoring.out_of_fold(fit, prepared, training[:3], 4, seed=0)  # pyright: ignore


class _LeakConfig(Settings): ...


def test_scores_copied_from_labels_are_caught_in_evaluate(
    done: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = Prepared.load(done.prepared)
    gold_of = {d.id: set(d.codes) for d in prepared.documents}

    class Copying(Recording):
        def left_unread(self, note: Note) -> tuple[Span, ...]:
            return ()

        def scores(self, notes: list[Note]) -> npt.NDArray[np.float32]:
            rows = [[not gold_of[note.id].isdisjoint(c.codes) for c in self.concepts] for note in notes]
            return np.array(rows, dtype=np.float32)

    module = SimpleNamespace(
        fit=lambda config, concepts, documents, seed: Copying(concepts, set(), []),
        load=lambda folder, config, concepts: Copying(concepts, set(), []),
    )
    monkeypatch.setattr(concept_stages, "scorer_of", lambda table: (module, _LeakConfig()))
    report = run(experiment(tmp_path))
    assert "LOOK COPIED FROM THE LABELS" in report.warnings[0]
    assert report.metrics["concepts_all_on_of_gold_pairs"] == 1
    asked = experiment(tmp_path)
    measures, warnings = measure_coder(asked, Coder.load(asked.coder))
    assert "LOOK COPIED FROM THE LABELS" in warnings[0]
    assert measures["concepts_all_on_of_gold_pairs"] == 1
    monkeypatch.undo()
    assert measure_coder(asked, Coder.load(done.coder))[1] == ()


def test_a_head_that_decides_by_more_than_labels_told_it_is_named(done: Experiment, tmp_path: Path) -> None:
    """Hardly trained, it still takes concepts for signs of their codes."""
    prepared = Prepared.load(done.prepared)
    predictor = Coder.load(done.coder).predictor
    assert isinstance(predictor, ConceptCoder)
    copied = {
        s: (prepared.gold(prepared.split(s)) @ predictor.membership).astype(np.float32) for s in ("train", "test")
    }
    (tmp_path / "run").mkdir()
    np.savez(tmp_path / "run" / concept_training.TRAINING_SCORES, scores=copied["train"])

    def controlled(**model: object) -> Control:
        asked = replace(experiment(tmp_path, **model), folder=tmp_path)
        return control(asked, prepared, predictor, copied["test"])

    assert "permuted labels" in controlled(steps=1).warnings[0]
    trained = controlled(steps=300)
    assert trained.measures
    assert not trained.warnings
    assert not controlled(inputs="note").measures
    (tmp_path / "run" / concept_training.TRAINING_SCORES).unlink()
    assert not controlled().measures


def test_evaluate_says_what_the_control_says(done: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = experiment(tmp_path)
    shutil.copytree(done.folder, asked.folder)
    monkeypatch.setattr(
        concept_control, "control", lambda *_: Control({"concepts_control_f1": 0.9}, ("of the control",))
    )
    report = evaluate(asked)
    assert report.warnings[0] == "of the control"
    assert report.metrics["concepts_control_f1"] == 0.9


@pytest.mark.parametrize("seed", range(8))
def test_a_deal_that_falls_out_well_by_chance_is_no_alarm(done: Experiment, seed: int) -> None:
    predictor = Coder.load(done.coder).predictor
    assert isinstance(predictor, ConceptCoder)
    prepared = Prepared.load(done.prepared)
    scores = predictor.concept_scores([prepared.documents[i].joined() for i in prepared.split("test")])
    found = control(replace(done, seed=seed), prepared, predictor, scores)
    assert found.measures["concepts_control_f1"] > 0
    assert not found.warnings


def test_coverage_counts_notes(done: Experiment, tmp_path: Path) -> None:
    found = coverage(done)
    assert (found.with_code <= found.notes).all()
    assert (found.notes <= found.training_notes).all()
    assert found.notes.max() > 0
    assert len(found.covered) <= found.codes
    with pytest.raises(ConfigError, match="has no concepts"):
        coverage(neural(tmp_path))


def test_coverage_is_of_training_notes_that_affirm_a_concept_within_a_sentence(tmp_path: Path) -> None:
    told = [
        ("I10", "train", "Hypertension on lisinopril. A dull headache."),
        ("I10", "train", "No hypertension is known. He has gout."),
        ("R07.9", "train", "Chest pain. On lisinopril."),
        ("R07.9", "train", "The chest is clear. Pain of the knee."),
        ("I10", "validation", "Hypertension on lisinopril."),
        ("R07.9", "test", "Hypertension and chest pain."),
    ]
    rows = [{"id": str(i), "text": text, "codes": code, "split": part} for i, (code, part, text) in enumerate(told)]
    pl.DataFrame(rows).write_csv(tmp_path / "notes.csv")
    names = {"hypertension": "I10", "lisinopril": "I10", "dull headache": "I10", "chest pain": "R07.9"}
    lines = (f"{name}\t2\ticd10cm:{code}\n" for name, code in names.items())
    (tmp_path / "concepts.tsv").write_text("".join(lines), encoding="utf-8")
    corpus = {"kind": "table", "path": str(tmp_path / "notes.csv"), "system": "icd10cm"}
    model = {"kind": "concept", "concepts": str(tmp_path / "concepts.tsv")}
    asked = Experiment.resolve({"name": "told", "runs": str(tmp_path), "corpus": corpus, "model": model})
    prepare(asked)
    found = coverage(asked)
    assert [concept.name for concept in found.concepts] == list(names)
    assert found.notes.tolist() == [1, 2, 1, 1]
    assert found.with_code.tolist() == [1, 1, 1, 1]
    assert (found.training_notes, found.codes, found.covered) == (4, 2, (Code("icd10cm", "I10"),))


def test_concepts_of_a_file_are_used(done: Experiment, tmp_path: Path) -> None:
    prepared = Prepared.load(done.prepared)
    path = tmp_path / "concepts.tsv"
    path.write_text(f"something\t2\t{prepared.space.codes[0]}\n", encoding="utf-8")
    found = concept_training.concepts_of(concept.Config(concepts=path), prepared)
    assert [c.name for c in found] == ["something"]
    path.write_text("something\t2\ticd10cm:Z99.2\n", encoding="utf-8")
    with pytest.raises(InputError, match="bears on any"):
        concept_training.concepts_of(concept.Config(concepts=path), prepared)


@pytest.mark.parametrize("inputs", ["note", "both"])
def test_a_language_model_as_head_takes_no_inputs_of_a_network(tmp_path: Path, inputs: str) -> None:
    with pytest.raises(ConfigError, match="reads the note itself"):
        experiment(tmp_path, head="language_model", inputs=inputs)


def test_expressions_of_a_file_are_used_and_not_named_in_the_card(done: Experiment, tmp_path: Path) -> None:
    prepared = Prepared.load(done.prepared)
    path = tmp_path / "expressions.tsv"
    path.write_text(f"{prepared.space.codes[0]}\tindirect\tdrug of ours\n", encoding="utf-8")
    config = concept.Config.model_validate({"expressions": [str(path)]})
    found = concept_training.concepts_of(config, prepared)
    assert prepared.space.codes[0] in found.concepts[found.index("drug of ours")].codes
    assert str(path) not in json.dumps(concept.portable({"kind": "concept", "expressions": [str(path)]}))
    path.write_text("no line of expressions\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 1"):
        concept_training.concepts_of(config, prepared)


def test_an_unknown_scorer_is_named(tmp_path: Path) -> None:
    asked = experiment(tmp_path, scorer={"kind": "lexicl"})
    with pytest.raises(ConfigError, match="Did you mean 'lexical'"):
        run(asked)


def few_shot(tmp_path: Path, corpus: dict[str, object]) -> Prepared:
    """Codes of 1 to 8 training notes alone; no patient is in two parts."""
    data = {"corpus": corpus, "labels": {"top": 100_000, "max_notes": 8}, "model": {"kind": "concept"}}
    prepared = prepare(Experiment.resolve({**data, "name": "few", "runs": str(tmp_path)}))
    counts = prepared.counts(prepared.split("train"))
    assert counts.min() >= 1
    assert counts.max() <= 8
    patients = [{prepared.patients[i] for i in prepared.split(split)} for split in ("train", "validation", "test")]
    assert all(patients)
    assert sum(map(len, patients)) == len(set.union(*patients))
    return prepared


def test_few_shot_codes_of_synthetic_notes(tmp_path: Path) -> None:
    prepared = few_shot(tmp_path, {"kind": "synthetic", "documents": 120, "codes": 40, "admissions_per_patient": 2.5})
    assert len(prepared.split("train")) > len({prepared.patients[i] for i in prepared.split("train")})


def test_few_shot_codes_of_codiesp(tmp_path: Path) -> None:
    for part, names in (("train", "abcdefghijklmnopqrst"), ("dev", "xyz")):
        (tmp_path / part / "text_files_en").mkdir(parents=True)
        for name in names:
            (tmp_path / part / "text_files_en" / f"{name}.txt").write_text(f"{name}: fever and cough")
        often, seldom = (f"{name}\tr50.9\n" for name in names), (f"{name}\tr05\n" for name in names[::3])
        (tmp_path / part / f"{part}D.tsv").write_text("".join((*often, *seldom)))
        for kind in "PX":
            (tmp_path / part / f"{part}{kind}.tsv").write_text("")
    prepared = few_shot(tmp_path, {"kind": "codiesp", "root": str(tmp_path), "language": "en"})
    assert prepared.space.codes == (Code("icd10cm", "R05"),)


def test_codes_that_no_training_note_has_can_be_predicted(tmp_path: Path) -> None:
    """Cortical necrosis is written in test notes only; its category is known from training."""
    told = {"N17.0": "acute tubular necrosis", "N17.1": "acute cortical necrosis", "I10": "essential hypertension"}
    parts = [("N17.0", "train"), ("I10", "train"), ("I10", "validation"), ("N17.0", "validation"), ("N17.1", "test")]
    rows = [
        {"id": f"{i} {code} {part}", "text": f"He has {told[code]} {i}", "codes": code, "split": part}
        for i in range(9)
        for code, part in parts
    ]
    pl.DataFrame(rows).write_csv(tmp_path / "notes.csv")
    asked = experiment(tmp_path)
    data = {
        **asked.tables("model", "text"),
        "name": "unseen",
        "runs": str(tmp_path),
        "corpus": {"kind": "table", "path": str(tmp_path / "notes.csv"), "system": "icd10cm"},
        "labels": {"also": "siblings"},
    }
    run(Experiment.resolve(data))
    asked = Experiment.resolve(data)
    unseen = Code("icd10cm", "N17.1")
    prepared = prepare(asked)
    assert unseen in prepared.space
    assert prepared.counts(prepared.split("train"))[prepared.space.index(unseen)] == 0
    found = Coder.load(asked.coder).code("He has acute cortical necrosis")
    order = [one.code for one in found.codes if one.code not in (Code("icd10cm", "N17.0"), Code("icd10cm", "I10"))]
    assert order[0] == unseen, "codes with training notes aside, what the note says comes first"


def test_a_code_without_concepts_takes_those_above_it_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "concepts.tsv"
    asked = experiment(tmp_path, concepts=str(path))
    prepared = prepare(asked)
    child = next(code for code in prepared.space.codes if code.system == "icd9cm" and "." in code.value)
    above = child.value.partition(".")[0]
    path.write_text(f"something said\t1\ticd9cm:{above}\n", encoding="utf-8")
    report = run(asked)
    assert any(f"{child} (those of icd9cm:{above})" in warning for warning in report.warnings)
    predictor = Coder.load(asked.coder).predictor
    assert isinstance(predictor, ConceptCoder)
    assert predictor.membership[predictor.space.index(child)].all()


def test_concepts_of_another_editions_codes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "concepts.tsv"
    asked = experiment(tmp_path, concepts=str(path))
    prepare(asked)
    for line, said in (
        ("old pain\t2\ticd9cm:999.99Z\n", "999.99Z"),
        ("a\t1\ticd9cm:401.9\na\t2\ticd9cm:401.9\n", "contradicts"),
    ):
        path.write_text(line, encoding="utf-8")
        with pytest.raises(InputError, match=said):
            run(asked)


def test_codes_without_concepts_are_said_in_the_report(tmp_path: Path) -> None:
    path = tmp_path / "concepts.tsv"
    asked = experiment(tmp_path, concepts=str(path), own_only=True)
    prepared = prepare(asked)
    path.write_text(f"something\t2\t{prepared.space.codes[0]}\n", encoding="utf-8")
    report = run(asked)
    assert any("without any concept" in warning for warning in report.warnings)
    assert any("cannot be checked" in warning for warning in report.warnings)
