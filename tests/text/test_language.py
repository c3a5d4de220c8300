from __future__ import annotations

import pytest

from icdcoder.text.language import not_english

ENGLISH = "The patient was admitted with fever and a productive cough, and was treated with antibiotics for ten days."
OTHERS = {
    "spanish": "El paciente ingresa por fiebre y tos con expectoración, y se inicia tratamiento para la infección.",
    "german": "Der Patient wurde mit Fieber und Husten aufgenommen und von dem Arzt behandelt, die Werte waren gut.",
    "french": "Le patient est admis pour une fièvre et une toux avec des crachats, et les antibiotiques sont donnés.",
    "russian": "Пациент поступил с лихорадкой и кашлем, назначены антибиотики на десять дней, затем выписан домой.",
    "chinese": "患者因发热伴咳嗽三天入院，既往有高血压和糖尿病。",
    "japanese": "発熱と咳のため入院した。",
    "greek": "Πυρετός και βήχας",
    "swedish": "Patienten har haft feber och hosta i tre dagar, och behandlas med antibiotika för lunginflammation.",
    "danish": "Patienten har haft feber og hoste i tre dage og er nu i behandling med antibiotika, ikke indlagt.",
    "polish": "Pacjentka z gorączką i kaszlem od trzech dni, leczona z powodu nadciśnienia oraz cukrzycy typu 2.",
    "turkish": "Hasta üç gündür ateş ve öksürük şikayeti ile başvurdu, diyabet öyküsü olan bir hasta.",
    "czech": "Pacientka přichází pro horečku a kašel, při příjmu bolest na hrudi, léčí se s cukrovkou.",
    "a short spanish one": "fiebre y tos desde hace 3 dias",
    "a german list": "Arterielle Hypertonie, Diabetes mellitus Typ 2, Vorhofflimmern, Niereninsuffizienz Stadium 3",
    "an italian one": "Paziente con febbre e tosse da tre giorni, ipertensione e diabete in trattamento.",
    "in capitals": "PACIENTE CON FIEBRE Y DOLOR EN EL PECHO DESDE HACE DOS DIAS",
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
        "NA 134, LA enlarged, DI negative",
        "Sjögren syndrome, Ménière disease.",
        "De novo AML, in situ melanoma, café au lait macules",
        "β-blocker, 5 µg, 37 °C",
        "Lisinopril 10 mg daily, metoprolol 25 mg BID, atorvastatin 40 mg QHS, levothyroxine 50 mcg",
        "Pt met with Dr. Van der Berg and Dr. De La Cruz. He was well and is to follow up with the clinic.",
        "Discharged yesterday, tolerating breakfast, ambulating",
    ],
)
def test_english_and_telegraphic_notes_are_not(text: str) -> None:
    assert not not_english(text)
