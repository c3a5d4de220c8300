"""The promises of the synthetic corpus, each on several settings and seeds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from functools import cache
from itertools import combinations

import pytest

from icdcoder import systems
from icdcoder.core import components
from icdcoder.core.code import Code
from icdcoder.core.config import build
from icdcoder.core.document import SPLITS, CorpusReading
from icdcoder.core.errors import ConfigError
from icdcoder.corpora import synthetic
from icdcoder.corpora._synthetic import filler, laboratory
from icdcoder.corpora._synthetic.admissions import Admission
from icdcoder.corpora._synthetic.phrases import Occurrence
from icdcoder.corpora._synthetic.templates import templates
from icdcoder.corpora._synthetic.writer import WORD, Written
from icdcoder.corpora.synthetic import Config
from icdcoder.knowledge.expressions import load_groups

CONFIGS = {
    "default": Config(documents=250),
    "another seed": Config(documents=120, seed=7, late_share=0.5, late_after_tokens=700),
    "icd10": Config(documents=120, seed=1, systems="icd10", codes=80, distractors=6),
    "all codes": Config(documents=120, seed=2, codes=None, codes_per_note=12, typo_rate=0.05),
    "hard": Config(documents=120, seed=3, codes=40, indirect_share=0.6, held_out_expressions=0.4, held_out_share=0.8),
    "long": Config(documents=80, seed=4, words=1500, late_share=0.3, late_after_tokens=2500, zipf=1.2),
}


@cache
def reading(name: str) -> CorpusReading:
    return synthetic.read(CONFIGS[name])


@cache
def space(name: str) -> laboratory.Laboratory:
    return laboratory.build(CONFIGS[name])


@cache
def notes(name: str) -> list[tuple[Admission, Written]]:
    return list(synthetic.written(CONFIGS[name]))


@cache
def occurrences(name: str) -> list[list[Occurrence]]:
    """What a reader finds in each note."""
    return [space(name).phrases.find(note.text) for _, note in notes(name)]


@pytest.fixture(params=list(CONFIGS))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def test_gold_codes_are_those_of_the_systems_and_each_has_evidence(name: str) -> None:
    wanted = laboratory.SYSTEMS[CONFIGS[name].systems]
    for document in reading(name).documents:
        assert document.codes
        assert len(set(document.codes)) == len(document.codes)
        assert {code.system for code in document.codes} <= set(wanted)
        assert document.evidence is not None
        assert {e.code for e in document.evidence} == set(document.codes)


def test_evidence_re_reads_as_an_expression_of_its_code(name: str) -> None:
    spoken = {expression.text.lower() for expression in space(name).expressions}
    tells = defaultdict(set)
    for expression, codes in zip(space(name).expressions, space(name).owners, strict=True):
        tells[expression.text.lower()] |= codes
    for document in reading(name).documents:
        for evidence in document.evidence or ():
            words = document.notes[evidence.note].text[evidence.start : evidence.end]
            assert words.lower() in spoken
            assert evidence.code in tells[words.lower()]


def test_a_code_group_with_two_codes_gives_both() -> None:
    both = {Code("icd9cm", "995.92"), Code("icd9cm", "785.52")}
    assert any(set(label.codes) == both for label in space("all codes").labels)
    for admission, note in notes("all codes"):
        for label in admission.labels:
            spans = [{(e.start, e.end) for e in note.evidence if e.code == code} for code in label.codes]
            assert set.intersection(*spans), f"one mention of {label.name} is evidence for each of its codes"


def test_every_expression_in_a_note_is_true_or_denied(name: str) -> None:
    """Nothing outside the sentences that deny tells a code that is not gold: no accident of wording, no filler."""
    lab = space(name)
    for (admission, note), read in zip(notes(name), occurrences(name), strict=True):
        gold = set(admission.codes)
        for found in read:
            if not lab.owners[found.phrase] <= gold:
                assert any(span.start < found.end and found.start < span.end for span in note.denied)


def test_what_is_denied_is_never_gold_nor_near_to_it(name: str) -> None:
    lab, sentences = space(name), 0
    for admission, note in notes(name):
        for span in note.denied:
            sentences += 1
            assert not set(span.codes) & set(admission.codes)
            assert not any(span.start < e.end and e.start < span.end for e in note.evidence)
            told = {
                code
                for found in lab.phrases.find(note.text[span.start : span.end])
                for code in lab.owners[found.phrase]
            }
            assert set(span.codes) <= told
            assert not told & set(admission.codes)
    assert sentences > 0.4 * CONFIGS[name].distractors * len(notes(name))


def test_denials_are_of_all_kinds() -> None:
    said = " ".join(note.text[s.start : s.end] for _, note in notes("default") for s in note.denied)
    for word in ("denies", "No evidence of", "ruled out", "Father with", "did not require"):
        assert word in said


def test_held_out_wording_stands_in_test_notes_only(name: str) -> None:
    lab = space(name)
    held_out = {expression.number: expression.text for expression in lab.expressions if expression.held_out}
    exact = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, sorted(held_out.values()))) + r")(?!\w)")
    seen = Counter()
    for (admission, note), read in zip(notes(name), occurrences(name), strict=True):
        found = {occurrence.phrase for occurrence in read} & set(held_out)
        seen[admission.split] += len(found)
        if admission.split != "test":
            assert not found
            assert not exact.search(note.text)
    assert seen["test"] > 0


def test_the_share_of_held_out_expressions_is_the_one_asked_for() -> None:
    for share in (0.0, 0.2, 0.5):
        lab = laboratory.build(Config(held_out_expressions=share))
        found = sum(expression.held_out for expression in lab.expressions) / len(lab.expressions)
        assert share - 0.06 <= found <= share + 0.005  # it is rounded for each condition
        for label in lab.labels:
            assert len(label.known.names) + len(label.known.abbreviations) >= 2


def test_the_card_says_how_much_is_held_out_denied_and_late() -> None:
    card = reading("hard").card
    test = [note for admission, note in notes("hard") if admission.split == "test"]
    held_out, mentions = sum(n.held_out for n in test), sum(n.mentions for n in test)
    assert card["test mentions in held-out words"] == f"{held_out / mentions:.1%}"
    assert held_out / mentions > 0.4
    assert card["sentences that deny a code"] == str(sum(len(note.denied) for _, note in notes("hard")))
    late = sum(bool(note.late) for _, note in notes("hard")) / len(notes("hard"))
    assert card["notes that tell codes late"] == f"{late:.1%}"
    assert "no licence needed" in card["licence"]


def test_late_codes_are_told_after_the_budget_and_others_are_not(name: str) -> None:
    config, late_notes = CONFIGS[name], 0
    for admission, note in notes(name):
        assert note.late <= set(admission.codes)
        late_notes += bool(note.late)
        for code in note.late:
            first = min(e.start for e in note.evidence if e.code == code)
            assert len(WORD.findall(note.text[:first])) >= config.late_after_tokens
            assert len(re.findall(r"[^\W\d_]+", note.text[:first])) >= config.late_after_tokens
    assert abs(late_notes / len(notes(name)) - config.late_share) < 0.17
    early = [note for _, note in notes(name) if not note.late]
    assert early


def test_no_late_code_is_told_early_in_another_code_s_words(name: str) -> None:
    lab = space(name)
    for (_, note), read in zip(notes(name), occurrences(name), strict=True):
        if note.late:
            first = min(e.start for e in note.evidence if e.code in note.late)
            for found in (x for x in read if x.end <= first):
                denied = any(span.start < found.end and found.start < span.end for span in note.denied)
                assert denied or not lab.owners[found.phrase] & note.late


def test_patients_are_in_one_split_and_come_again(name: str) -> None:
    splits, stays = defaultdict(set), Counter()
    for document in reading(name).documents:
        splits[document.patient].add(document.split)
        stays[document.patient] += 1
    assert all(len(of) == 1 for of in splits.values())
    assert max(stays.values()) > 1
    assert len({document.id for document in reading(name).documents}) == CONFIGS[name].documents


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shares", [(0.1, 0.2), (0.25, 0.25), (0.0, 0.5)])
def test_splits_have_the_shares_asked_for(seed: int, shares: tuple[float, float]) -> None:
    config = Config(documents=400, seed=seed, validation=shares[0], test=shares[1], codes=20)
    counts = Counter(document.split for document in synthetic.read(config).documents)
    for split, share in zip(SPLITS, (1 - sum(shares), *shares), strict=True):
        assert counts[split] / 400 == pytest.approx(share, abs=0.04)


def test_a_small_corpus_has_every_split() -> None:
    for seed in range(3):
        assert {d.split for d in synthetic.read(Config(documents=40, seed=seed)).documents} == set(SPLITS)


def test_lasting_conditions_come_back_with_the_patient() -> None:
    earlier: dict[int, Admission] = {}
    kept = total = 0
    for admission, _ in notes("default"):
        before = earlier.get(admission.patient)
        if before:
            lasting = [x for x in before.labels if x.nature == "chronic"]
            kept += sum(label in admission.labels for label in lasting)
            total += len(lasting)
            assert before.sex == admission.sex
        earlier[admission.patient] = admission
    assert kept / total > 0.6


def test_codes_have_a_long_tail() -> None:
    counts = Counter(label.number for admission, _ in notes("default") for label in admission.labels)
    ranked = [count for _, count in counts.most_common()]
    assert ranked[0] > 3 * ranked[len(ranked) // 2] > 0
    head, tail = range(10), range(40, 60)
    assert sum(counts[n] for n in head) / 10 > 3 * sum(counts[n] for n in tail) / 20
    flat = Counter(n for a, _ in synthetic.written(Config(documents=150, zipf=0)) for n in [x.number for x in a.labels])
    assert sum(flat[n] for n in head) / 10 < 2 * sum(flat[n] for n in tail) / 20


def _lifts(config: Config) -> list[float]:
    """P(a, b) / (P(a) P(b)) for pairs of labels that are each in at least a tenth of the notes."""
    sets = [frozenset(label.number for label in admission.labels) for admission, _ in synthetic.written(config)]
    single = Counter(number for numbers in sets for number in numbers)
    common = [number for number, count in single.items() if count >= len(sets) / 10]
    pairs = Counter(pair for numbers in sets for pair in combinations(sorted(numbers & set(common)), 2))
    return [pairs[a, b] * len(sets) / (single[a] * single[b]) for a, b in combinations(sorted(common), 2)]


def test_conditions_come_together() -> None:
    together = _lifts(Config(documents=300, admissions_per_patient=1, seed=5))
    apart = _lifts(Config(documents=300, admissions_per_patient=1, seed=5, cooccurrence=0))
    assert sum(lift > 1.5 for lift in together) >= 5
    assert sum(lift > 1.5 for lift in together) > 2 * sum(lift > 1.5 for lift in apart)


def test_the_number_of_codes_and_words_follows_the_settings() -> None:
    for mean in (4, 10):
        sizes = [len(a.labels) for a, _ in synthetic.written(Config(documents=200, codes_per_note=mean))]
        assert sum(sizes) / len(sizes) == pytest.approx(mean, rel=0.12)
        assert max(sizes) > 2 * min(sizes)
    for words in (600, 1500):
        config = Config(documents=100, words=words, late_share=0)
        lengths = [len(note.text.split()) for _, note in synthetic.written(config)]
        assert sum(lengths) / len(lengths) == pytest.approx(words, rel=0.1)


def test_indirect_and_abbreviated_shares_follow_the_settings() -> None:
    def share(kind: str, **settings: float) -> float:
        config = build(Config, {"documents": 60, "held_out_share": 0, **settings}, "corpus")
        lab = laboratory.build(config)
        kinds = {expression.text.lower(): expression.kind for expression in lab.expressions}
        spans = [note.text[e.start : e.end].lower() for _, note in synthetic.written(config) for e in note.evidence]
        return sum(kinds[span] == kind for span in spans) / len(spans)

    assert share("indirect", indirect_share=0.9) > 2 * share("indirect", indirect_share=0.2) > 0
    assert share("abbreviation", abbreviation_share=0.9) > 0.6 > 0.15 > share("abbreviation", abbreviation_share=0)


def test_no_sentence_of_ours_tells_a_code_of_the_default_corpora() -> None:
    """At run time such sentences are left out; none needs to be with the default settings."""
    texts = [text for some in filler.lists().values() for text in some]
    texts += [text for system in filler.tables()["exam"] for text in system]
    texts += [f"{t.before} ; {t.after}" for some in templates().values() for t in some]
    for wanted in ("icd9", "icd10"):
        phrases = laboratory.build(build(Config, {"systems": wanted}, "corpus")).phrases
        assert [text for text in texts if phrases.find(text)] == []


def test_there_are_many_sentences_and_slots_are_known() -> None:
    assert len({(t.before, t.after) for some in templates().values() for t in some}) > 130
    assert sum(map(len, filler.lists().values())) > 150
    for _, note in notes("long"):
        assert "{" not in note.text
        assert "  \n" not in note.text


def test_with_all_codes_enough_filler_is_left() -> None:
    left = filler.Filler(space("all codes"), 0.0).lists
    for name in ("present", "course", "daily", "problem", "instructions"):
        assert len(left[name]) > 0.7 * len(filler.lists()[name]) > 8


def test_icd10_codes_are_in_the_edition() -> None:
    codes = {code for document in reading("icd10").documents for code in document.codes}
    assert {code.system for code in codes} == {"icd10cm", "icd10pcs"}
    for code in codes:
        assert code in systems.load(code.system)


def test_conditions_of_one_sex_and_of_birth() -> None:
    for admission, _ in notes("all codes"):
        assert {label.sex for label in admission.labels} <= {None, admission.sex}
    assert not any(
        code.value.startswith(("V30", "O", "P")) for label in space("all codes").labels for code in label.codes
    )


def test_more_documents_only_add_documents() -> None:
    few, many = synthetic.read(Config(documents=30)), synthetic.read(Config(documents=60))
    assert many.documents[:30] == few.documents


def test_the_same_settings_give_the_same_bytes_in_any_process() -> None:
    program = (
        "import hashlib; from icdcoder.corpora import synthetic as s; "
        "r = s.read(s.Config(documents=60, seed=3, late_share=0.3)); "
        "print(hashlib.sha256(repr([(d.id, d.notes[0].text, d.codes, d.split, d.evidence) for d in r.documents])"
        ".encode()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "77")
    }
    assert len(found) == 1
    other = synthetic.read(Config(documents=1, seed=4)).documents[0]
    assert other.notes[0].text != synthetic.read(Config(documents=1, seed=3)).documents[0].notes[0].text


def test_it_is_found_by_its_name() -> None:
    assert components.load("corpora", "synthetic").Config is Config


def test_more_codes_than_there_are_is_an_error_that_says_how_many() -> None:
    there_are = len(laboratory.build(Config(codes=None)).labels)
    with pytest.raises(ConfigError, match=rf"only {there_are} conditions"):
        synthetic.read(Config(codes=there_are + 1))
    assert 300 < there_are <= len(load_groups())


@pytest.mark.parametrize(
    "wrong", [{"validation": 0.6, "test": 0.4}, {"systems": "icd11"}, {"zip": 1}, {"indirect_share": 2}, {"codes": 1}]
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        build(Config, wrong, "corpus")


def test_a_plain_classifier_learns_it_but_does_not_solve_it() -> None:
    feature_extraction = pytest.importorskip("sklearn.feature_extraction.text")
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score
    from sklearn.multiclass import OneVsRestClassifier

    from icdcoder.core.label_space import LabelSpace

    documents = synthetic.read(Config(documents=600, codes=25)).documents
    parts = {split: [d for d in documents if d.split == split] for split in SPLITS}
    labels = LabelSpace.fit(parts["train"])
    gold = {split: labels.targets([d.codes for d in part]) for split, part in parts.items()}
    texts = {split: [d.notes[0].text for d in part] for split, part in parts.items()}
    vectors = feature_extraction.TfidfVectorizer(ngram_range=(1, 2), min_df=3, max_features=8000, sublinear_tf=True)
    model = OneVsRestClassifier(LogisticRegression(C=30, solver="liblinear"))
    model.fit(vectors.fit_transform(texts["train"]), gold["train"])
    found = f1_score(gold["test"], model.predict_proba(vectors.transform(texts["test"])) > 0.25, average="micro")
    common = gold["train"].mean(axis=0) > 0.3
    chance = f1_score(gold["test"], common[None, :].repeat(len(gold["test"]), axis=0), average="micro")
    assert chance + 0.1 < found < 0.9
