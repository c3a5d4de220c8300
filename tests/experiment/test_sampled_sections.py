"""The statistics of sampling: counts that can be followed by hand, no text of a note, nothing trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from icdcoder.core.errors import ArtefactError, ConfigError
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepare import prepare
from icdcoder.experiment.sampling import published
from icdcoder.experiment.sampling.report import NO_HEADING, markdown
from icdcoder.experiment.sampling.reproduce import reproduce
from icdcoder.experiment.sampling.sections import SampledSections, sampled_sections
from icdcoder.text.sections import kinds

from .conftest import experiment

# 2 + 8, 3 + 3 and 2 + 16 tokens, of which 0, 3 and 5 stand in an expression of I10 or I50.9.
LONG = """Social History:
Lives alone and works in Zanzibar for Quimby.

Past Medical History:
Hypertension, heart failure.

Hospital Course:
He was brought in by his sister.

Heart failure got better, then hypertension, and heart failure.
"""
SHORT = "Some words, then\nPlan:\nhypertension\n"
BUDGET = 20


def asked(folder: Path, sampler: str, budget: int = BUDGET) -> Experiment:
    rows = [
        {"id": "1", "text": LONG, "codes": "I10", "split": "train"},
        {"id": "2", "text": SHORT, "codes": "I50.9", "split": "train"},
    ]
    (folder / "notes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    corpus = {"kind": "table", "path": str(folder / "notes.jsonl"), "system": "icd10cm"}
    return Experiment.resolve(
        {
            "name": sampler,
            "runs": str(folder),
            "corpus": corpus,
            "text": {"max_tokens": budget, "sampler": sampler, "min_documents": 1},
        }
    )


def found(folder: Path, sampler: str, budget: int = BUDGET) -> SampledSections:
    one = asked(folder, sampler, budget)
    return sampled_sections(one, prepare(one))


def test_counts_are_those_that_one_makes_by_hand(tmp_path: Path) -> None:
    result = found(tmp_path, "knowledge")
    assert (result.notes, result.cut, result.longest, result.tokens, result.kept) == (2, 1, 34, 39, 25)
    assert result.lost_of_longest == pytest.approx(14 / 34)
    course, history = result.kinds["hospital_course"], result.kinds["past_medical_history"]
    social, plan = result.kinds["social_history"], result.kinds["plan"]
    # Hospital Course and Past Medical History fill the budget; the denser is whole, and the rest of it the other's.
    assert (history.notes, history.cut, history.selected, history.tokens, history.kept) == (1, 1, 1, 6, 6)
    assert (history.sections, history.number, history.ratio) == (1, 3, 0.5)
    assert (course.selected, course.tokens, course.kept, course.number) == (1, 18, 14, 5)
    assert (social.cut, social.selected, social.tokens, social.kept, social.number) == (1, 0, 10, 0, 0)
    assert (plan.notes, plan.cut, plan.selected) == (1, 0, 0)
    assert (result.selected, result.few) == (2, 1)


def test_the_oracle_counts_the_words_of_the_gold_codes_alone(tmp_path: Path) -> None:
    result = found(tmp_path, "oracle")
    assert result.kinds["hospital_course"].number == 1
    assert result.kinds["past_medical_history"].number == 1


def test_the_head_counts_no_words_and_reads_from_the_beginning(tmp_path: Path) -> None:
    result = found(tmp_path, "head")
    kept = {kind: result.kinds[kind].kept for kind in ("social_history", "past_medical_history", "hospital_course")}
    assert list(kept.values()) == [10, 6, 4]
    shown = markdown(result, "notes")
    assert "mean N" not in shown
    assert "equation 10" not in shown


def test_where_no_note_is_too_long_the_table_says_so(tmp_path: Path) -> None:
    result = found(tmp_path, "knowledge", budget=34)
    assert result.cut == 0
    assert result.kept == result.tokens == 39
    assert "nothing had to be chosen" in markdown(result, "notes")


def test_no_word_of_a_note_is_shown_but_the_kinds_of_its_sections(tmp_path: Path) -> None:
    shown = markdown(found(tmp_path, "knowledge"), "notes")
    assert "Zanzibar" not in shown
    assert "Quimby" not in shown
    names = [line.split("|")[1].strip() for line in shown.splitlines() if line.startswith("| ")][1:]
    assert set(names) <= {NO_HEADING, *(kind.replace("_", " ") for kind in kinds())}
    assert "published" not in shown


def test_what_is_counted_is_what_the_prepared_corpus_holds(tmp_path: Path) -> None:
    one = experiment(tmp_path, text={"max_tokens": 60, "sampler": "knowledge_sections"})
    prepared = prepare(one)
    for part in ("train", "validation", "test"):
        result = sampled_sections(one, prepared, part)
        assert result.kept == sum(len(prepared.tokens[i]) for i in prepared.split(part))
        assert result.kept == 60 * result.cut + result.tokens - result.tokens_of_cut
        assert sum(kind.kept for kind in result.kinds.values()) == 60 * result.cut
        assert sum(kind.tokens for kind in result.kinds.values()) == result.tokens_of_cut


def test_a_part_that_is_empty_is_named(tmp_path: Path) -> None:
    one = asked(tmp_path, "knowledge")
    with pytest.raises(ArtefactError, match="no test documents"):
        sampled_sections(one, prepare(one), "test")


def test_published_figures_stand_beside_and_nothing_is_trained(tmp_path: Path) -> None:
    shown = reproduce("paper2-table4", corpus="synthetic", settings=["corpus.documents=40"], runs=tmp_path)
    folder = tmp_path / "reproduce-paper2-table4-synthetic" / "words-knowledge-192"
    assert sorted(path.name for path in folder.iterdir()) == ["prepared", "table.json", "table.md"]
    assert (folder / "table.md").read_text() == shown
    course = next(line for line in shown.splitlines() if line.startswith("| hospital course"))
    assert course.endswith("| 58.97 | 0.12 |")
    others = next(line for line in shown.splitlines() if line.startswith("| follow up"))
    assert others.endswith("| less than 8 | less than 0.03 |")
    assert "(published: 44.66%)" in shown
    data = json.loads((folder / "table.json").read_text())
    assert data["kinds"]["hospital_course"]["cut"] == data["cut"]


def test_published_kinds_are_kinds_of_ours() -> None:
    for name in published.names():
        assert set(published.load(name).sections) <= set(kinds())


def test_what_is_missing_or_unknown_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"MIMIC-III 1\.4 .*--corpus synthetic"):
        reproduce("paper2-table4", runs=tmp_path)
    with pytest.raises(ConfigError, match="needs CodiEsp"):
        reproduce("paper2-table4", corpus="codiesp", runs=tmp_path)
    with pytest.raises(ConfigError, match="Did you mean 'synthetic'"):
        reproduce("paper2-table4", corpus="syntetic", runs=tmp_path)
    assert not list(tmp_path.iterdir())
