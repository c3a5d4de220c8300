from __future__ import annotations

from icdcoder.core.code import Code
from icdcoder.core.document import GoldEvidence
from icdcoder.predictors.ranking.phrases import PhraseTable
from icdcoder.text.normal_form import normal_words

PNEUMONIA, COUGH = 0, 1
CODES = (Code("icd10cm", "J18.9"), Code("icd10cm", "R05.9"))


def table(notes: list[tuple[str, list[tuple[int, str]]]]) -> PhraseTable:
    """notes: (text, [(code, the words that are its evidence)])."""
    evidence = []
    for text, spans in notes:
        found = [(code, text.index(words), words) for code, words in spans]
        evidence.append([(code, GoldEvidence(CODES[code], at, at + len(words))) for code, at, words in found])
    golds = [sorted({code for code, _ in spans}) for _, spans in notes]
    return PhraseTable.fit([normal_words(text) for text, _ in notes], golds, evidence)


def supports(of: PhraseTable, text: str):
    return of.supports(normal_words(text).words)


def test_a_marked_phrase_is_found_again_in_any_word_order() -> None:
    learnt = table([("There was a lung infection today.", [(PNEUMONIA, "lung infection")])])
    (support,) = supports(learnt, "infection of the lung")[PNEUMONIA]
    assert (support.notes, support.seen, support.words, support.times) == (1, 1, 2, 1)
    assert not supports(learnt, "a lung and an infected knee")


def test_a_share_counts_the_notes_that_have_the_words_without_the_code() -> None:
    learnt = table([("cough", [(COUGH, "cough")]), ("cough again", []), ("cough twice, cough", [(COUGH, "cough")])])
    (support,) = supports(learnt, "cough")[COUGH]
    assert (support.notes, support.seen) == (2, 3)
    assert support.share == 2 / 3.5


def test_the_best_phrase_comes_first_and_repeats_are_counted() -> None:
    notes = [("cough", []), ("bad cough", [(COUGH, "bad cough"), (COUGH, "cough")])]
    first, second = supports(table(notes), "a bad cough; the cough stays")[COUGH]
    assert (first.words, second.words) == (2, 1)
    assert second.times == 2


def test_a_phrase_does_not_reach_over_the_end_of_a_sentence() -> None:
    learnt = table([("lung infection", [(PNEUMONIA, "lung infection")])])
    assert not supports(learnt, "We saw the lung. Infection was denied.")


def test_without_marked_evidence_windows_that_recur_with_a_code_are_kept() -> None:
    texts = ["left basal opacity", "an opacity at the base", "clear lungs", "clear lungs again"]
    golds = [[PNEUMONIA], [PNEUMONIA], [COUGH], []]
    learnt = PhraseTable.fit([normal_words(t) for t in texts], golds, [None] * 4)
    assert PNEUMONIA in supports(learnt, "opacity")
    assert COUGH not in supports(learnt, "clear lungs")  # one note is no habit


def test_arrays_hold_the_whole_table() -> None:
    learnt = table([("cough and lung infection", [(COUGH, "cough"), (PNEUMONIA, "lung infection")])])
    again = PhraseTable.of(learnt.arrays("p"), "p")
    assert supports(again, "lung infection, cough") == supports(learnt, "lung infection, cough")


def test_nothing_learnt_supports_nothing() -> None:
    assert not supports(table([("cough", [])]), "cough")
