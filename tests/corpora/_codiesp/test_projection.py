from __future__ import annotations

from icdcoder.corpora._codiesp.parallel import folded, pairs
from icdcoder.corpora._codiesp.projection import project

SPANISH = "Paciente con fiebre alta. Refiere tos. Se diagnostica neumonía derecha. Alta a las 24 horas."
ENGLISH = "Patient with high fever. Reports cough. Right pneumonia was diagnosed. Discharged at 24 hours."


def test_sentences_meet_their_translations() -> None:
    found = [(SPANISH[slice(*pair.source)], ENGLISH[slice(*pair.target)]) for pair in pairs(SPANISH, ENGLISH)]
    assert ("Refiere tos.", "Reports cough.") in found
    assert ("Se diagnostica neumonía derecha.", "Right pneumonia was diagnosed.") in found


def test_a_sentence_that_was_left_out_shifts_no_other() -> None:
    shorter = ENGLISH.replace("Reports cough. ", "")
    found = [(SPANISH[slice(*pair.source)], shorter[slice(*pair.target)]) for pair in pairs(SPANISH, shorter)]
    assert [("neumonía" in one, "24" in one) for one, _ in found] == [
        ("pneumonia" in other, "24" in other) for _, other in found
    ]


def test_texts_without_sentences_have_no_pairs() -> None:
    assert pairs("", "") == []
    assert pairs("  \n", ENGLISH) == []


def test_accents_and_capitals_are_folded() -> None:
    assert folded("Neumonía ÑO") == "neumonia no"


def test_a_span_is_carried_over_by_what_other_sentences_teach() -> None:
    nouns = {"fiebre": "fever", "tos": "cough", "dolor": "pain", "ictericia": "jaundice"}
    frames = {"Presenta {}.": "She has {}.", "Refiere {} leve.": "Mild {} was reported.", "Niega {}.": "Denies {}."}
    texts = [(f.format(n), g.format(nouns[n])) for f, g in frames.items() for n in nouns]
    spans = [[(text.index(word), text.index(word) + len(word)) for word in nouns if word in text] for text, _ in texts]
    for (source, target), own, found in zip(texts, spans, project(texts, spans), strict=True):
        for (start, end), place in zip(own, found, strict=True):
            assert place is not None
            assert nouns[source[start:end]] in target[slice(*place)]


def test_what_has_no_translation_is_lost_and_not_guessed_outside_the_text() -> None:
    (found,) = project([("Refiere tos.", "")], [[(8, 11)]])
    assert found == [None]
    assert project([], []) == []


def test_every_carried_span_lies_in_the_translation() -> None:
    spans = [[(0, 8), (13, 19), (34, 37), (55, 72)]]
    for place in project([(SPANISH, ENGLISH)], spans)[0]:
        assert place is None or 0 <= place[0] < place[1] <= len(ENGLISH)
