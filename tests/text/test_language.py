from __future__ import annotations

import pytest

from icdcoder.text.language import not_english

ENGLISH = "The patient was admitted with fever and a productive cough, and was treated with antibiotics for ten days."
OTHERS = {
    "spanish": "El paciente ingresa por fiebre y tos con expectoración, y se inicia tratamiento para la infección.",
    "german": "Der Patient wurde mit Fieber und Husten aufgenommen und von dem Arzt behandelt, die Werte waren gut.",
    "french": "Le patient est admis pour une fièvre et une toux avec des crachats, et les antibiotiques sont donnés.",
    "russian": "Пациент поступил с лихорадкой и кашлем, назначены антибиотики на десять дней, затем выписан домой.",
}


@pytest.mark.parametrize("language", OTHERS)
def test_other_languages_are_told(language: str) -> None:
    assert not_english(OTHERS[language])


@pytest.mark.parametrize(
    "text",
    [
        ENGLISH,
        ENGLISH.upper(),
        "",
        "HTN, DM2, CAD s/p CABG x3, CKD 3, GERD, COPD on 2 L, afib on coumadin, OSA, gout",
        "Na 134",
    ],
)
def test_english_and_telegraphic_notes_are_not(text: str) -> None:
    assert not not_english(text)
