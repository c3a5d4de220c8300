from __future__ import annotations

from pathlib import Path
from time import process_time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icdcoder import systems
from icdcoder.coder import Coder
from icdcoder.core.errors import ConfigError, InputError
from icdcoder.core.note import Note
from icdcoder.core.prediction import Prediction, Predictor
from icdcoder.predictors.dictionary.editions import Edition
from icdcoder.predictors.lexicon import Config, LexiconPredictor, build


@pytest.fixture(scope="module")
def coder() -> Coder:
    return Coder.builtin()


def accepted(prediction: Prediction) -> set[str]:
    return {c.code.value for c in prediction.accepted}


@pytest.mark.parametrize(
    ("text", "present", "absent"),
    [
        ("Community-acquired pneumonia and HTN.", {"J18.9", "I10"}, set()),
        ("No evidence of pneumonia. He denies chest pain.", set(), {"J18.9", "R07.9"}),
        ("FAMILY HISTORY:\nMother with breast cancer and stroke.", set(), {"C50.919", "I63.9", "I64"}),
        ("COPD with acute exacerbation", {"J44.1"}, {"J44.9"}),
        ("COPD. Later: COPD with acute exacerbation.", {"J44.1"}, {"J44.9"}),
        ("Chronic kidney disease stage 3", {"N18.30"}, {"N18.9"}),
        ("Parkinson's disease with dementia.", {"G20.A1", "F02.80"}, {"G31.83", "F03.90"}),
        ("Admitted with gestational diabetes, diet controlled.", {"O24.410"}, {"E11.9", "O24.419"}),
        # What a description says "without" ends at the comma: the side behind it is said.
        ("Acute suppurative otitis media, right ear.", {"H66.001"}, {"H66.41"}),
        ("Oedema, anaemia and diarrhoea were present.", {"R60.9", "D64.9", "R19.7"}, set()),
        ("Type 2 diabetes mellitus with diabetic chronic kidney disease", {"E11.22"}, {"E11.9"}),
        ("Presented with fracture of the left femur after a fall.", {"S72.92XA"}, {"S72.91XA", "S72.90XA"}),
        ("Hypertension and chronic kidney disease stage 3.", {"I12.9", "N18.30"}, {"I10", "N18.9"}),
        ("Type 2 diabetes mellitus. Chronic kidney disease, stage 4.", {"E11.22", "N18.4"}, {"E11.9"}),
        ("Pneumococcal pneumonia with cough and dyspnea.", {"J13"}, {"J18.9", "R05.9", "R06.00"}),
        ("Cough and dyspnea, cause unknown.", {"R05.9", "R06.00"}, set()),
        ("Pain in the right hip and left hemiparesis.", {"M25.551", "G81.94"}, {"M25.559", "G81.90"}),
        ("E. coli urinary tract infection.", {"N39.0", "B96.20"}, set()),
        ("fracture of the left distal radius", {"S52.502A"}, {"S52.501A"}),
        ("pain in the chest and abdomen", {"R07.9", "R10.9"}, set()),
        ("cancer of the lung, liver metastases", {"C34.90", "C78.7"}, {"C22.9", "C78.00"}),
        ("fever, no abdominal or chest pain", {"R50.9"}, {"R07.9", "R10.9"}),
        ("ESTIMATED BLOOD LOSS: 50 mL.", set(), {"R58", "D62"}),
        ("PSA was 4.1 and ANA negative", set(), {"L40.50", "R76.89"}),
        # What is too little alone is too little however often it is said.
        ("IMPRESSION: Fat pad excised. Fat pad sent. Fat pad closed. Fat pad intact. Fat pad.", set(), {"E65"}),
        ("PNEUMONIA OF THE RIGHT LOWER LOBE. CHRONIC KIDNEY DISEASE STAGE 3.", {"J18.9", "N18.30"}, {"N18.9"}),
        ("pnuemonia, hypertenison and pneum0nia", {"J18.9", "I10"}, set()),
        ("Diagnosis\tOnset\nhypertension\t2010\nasthma\t1999\n", {"I10", "J45.909"}, set()),
        ("Acute hypoxic and hypercapnic respiratory failure", {"J96.01", "J96.02"}, {"J96.90"}),
        ("PMH: R total knee replacement 2016. Aspirin stopped.", {"Z96.651"}, {"Z79.82"}),
        ("PMH:\nUTI (E. coli)\nHypertension\n", {"Z87.440", "I10"}, {"N39.0", "B96.20"}),
        ("Hodgkin lymphoma, nodular sclerosis, mediastinal nodes.", {"C81.12"}, {"C81.90", "C81.10"}),
        ("Old stroke with residual oropharyngeal dysphagia.", {"I69.391", "R13.12"}, {"R13.10"}),
        ("Preeclampsia with severe features at 34 weeks.", {"O14.13", "Z3A.34"}, {"O14.10"}),
        ("Parkinson's disease. Dementia.", {"F02.80"}, {"F03.90"}),
        ("REM sleep behaviour disorder and a naevus.", {"G47.52", "D22.9"}, set()),
        # Where a cancer began, and where it has spread to.
        (
            "Adenocarcinoma of the right upper lobe of the lung with metastases to the brain.",
            {"C34.11", "C79.31"},
            {"C78.00", "C71.9"},
        ),
        ("Renal cell carcinoma with metastases to the lung.", {"C64.9", "C78.00"}, {"C34.90"}),
        ("Lung cancer with liver and bone metastases.", {"C34.90", "C78.7", "C79.51"}, {"C22.9", "C41.9"}),
        ("Breast cancer, no metastases to the liver.", {"C50.919"}, {"C78.7", "C22.9"}),
        ("Small cell lung cancer of the left lower lobe.", {"C34.32"}, {"C34.92"}),
        # What a stroke left behind; the right side is dominant unless the note says that the left hand leads.
        ("Prior stroke with residual right-sided hemiparesis.", {"I69.351"}, {"Z86.73", "G81.91", "I63.9"}),
        ("Residual left-sided weakness from CVA.", {"I69.354"}, {"I63.9", "R53.1", "I69.398"}),
        ("History of CVA with residual left-sided weakness. He is left-handed.", {"I69.352"}, {"Z86.73"}),
        ("Hx of stroke with residual aphasia and dysphagia.", {"I69.320", "I69.391"}, {"R13.10", "R47.01", "Z86.73"}),
        ("History of stroke who presents with left-sided weakness.", {"Z86.73", "R53.1"}, {"I69.354"}),
        ("Left-handed man with right hemiparesis.", {"G81.93"}, {"G81.91"}),
        ("Neutropenic fever after chemotherapy for breast cancer.", {"D70.1", "R50.81", "T45.1X5A"}, {"D70.9"}),
        ("Neutropenic fever of unknown cause.", {"D70.9", "R50.81"}, {"D70.1"}),
        # Chapter 15 has the codes of conditions in pregnancy, childbirth and the puerperium.
        (
            "39 weeks gestation, admitted in labor. Anemia of pregnancy, obesity, GBS positive. Previous cesarean.",
            {"O99.02", "O99.214", "E66.9", "O34.219", "O99.824", "Z3A.39"},
            {"Z98.891", "Z22.330", "O99.019", "D64.9"},
        ),
        (
            "39 weeks gestation. Cesarean delivery of a healthy live male infant. Gestational hypertension.",
            {"O13.4", "Z37.0", "Z3A.39"},
            {"O13.9", "I10"},
        ),
        ("Postpartum hemorrhage due to uterine atony.", {"O72.1"}, {"N93.9"}),
        ("She is 32 weeks pregnant. Severe preeclampsia. Asthma.", {"O14.13", "O99.513", "J45.909"}, {"O14.10"}),
        ("Postpartum day 3. Postpartum preeclampsia and obesity.", {"O14.95", "O99.215"}, {"O14.90"}),
        (
            "A male infant born to a 28 year old G2P1 mother at 38 weeks gestation. Anemia.",
            {"D64.9"},
            {"O99.019", "O99.013", "O99.02"},
        ),
        ("62 year old woman, G2P2, with anemia and obesity.", {"D64.9", "E66.9"}, {"O99.019", "O99.210"}),
        ("DKA, type 1 diabetes due to insulin noncompliance.", {"T38.3X6A"}, {"T38.3X5A"}),
        ("Saddle pulmonary embolism. Pulmonary embolism with acute cor pulmonale.", {"I26.02"}, {"I26.92", "I26.09"}),
        ("Left lower leg cellulitis failed oral antibiotics.", {"L03.116"}, {"K12.2"}),
        ("All of it hit him as a cold map.", set(), {"C91.00", "J44.9", "D75.829"}),
    ],
)
def test_what_a_note_says(coder: Coder, text: str, present: set[str], absent: set[str]) -> None:
    found = accepted(coder.code(text))
    assert present <= found
    assert not absent & found


def test_a_disease_whose_name_is_like_filler_is_not_every_disease(coder: Coder) -> None:
    assert "E74.09" not in {c.code.value for c in coder.code("Kidney disease 3. E. coli").codes}
    assert "E74.09" in accepted(coder.code("Hers disease"))


def test_it_is_a_predictor(coder: Coder) -> None:
    assert isinstance(coder.predictor, Predictor)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "pneumonia",
                "\r\n",
                "\t",
                "no fever",
                "Ménière's disease",
                "🫀",
                "\u00a0",
                "ﬁbrillation",
                "HTN",
                ".",
                "acute",
            ]
        )
        | st.text(max_size=8),
        max_size=30,
    )
)
def test_evidence_points_into_the_text_as_given(coder: Coder, parts: list[str]) -> None:
    text = " ".join(parts)
    prediction = coder.code(Note("n", text), top=100)
    scores = [c.score for c in prediction.codes]
    assert scores == sorted(scores, reverse=True)
    for code in prediction.codes:
        assert 0 <= code.score <= 1
        assert code.evidence
        for evidence in code.evidence:
            assert 0 <= evidence.start < evidence.end <= len(text)
            assert text[evidence.start : evidence.end] == evidence.text


def test_repeating_a_finding_never_lowers_it(coder: Coder) -> None:
    once = {c.code: c.score for c in coder.code("Pneumonia.").codes}
    twice = {c.code: c.score for c in coder.code("Pneumonia. Again pneumonia.").codes}
    assert all(twice[code] >= score for code, score in once.items())


def test_a_negated_sentence_adds_no_code(coder: Coder) -> None:
    before = accepted(coder.code("Hypertension."))
    assert accepted(coder.code("Hypertension. There was no pulmonary embolism.")) == before


def test_empty_and_wordless_notes(coder: Coder) -> None:
    assert coder.code("").warnings == ("The note is empty.",)
    assert coder.code(" \n ").codes == ()
    assert coder.code("?!").codes == ()


def test_ten_thousand_mentions(coder: Coder) -> None:
    prediction = coder.code("pneumonia, " * 10_000)
    assert "J18.9" in accepted(prediction)
    assert all(len(c.evidence) <= 5 for c in prediction.codes)


def test_thousands_of_different_codes_take_seconds(coder: Coder) -> None:
    system = systems.load("icd10cm")
    text = ". ".join(system.description(code) for code in list(system.billable())[::15])
    started = process_time()
    assert len(coder.code(text).accepted) > 2_000
    assert process_time() - started < 20


def test_an_unknown_system_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'icd9cm'"):
        Coder.builtin("icd9")


def test_a_note_in_another_language_is_warned_of(coder: Coder) -> None:
    text = (
        "El paciente ingresa por fiebre y tos con expectoración, y se inicia tratamiento para la neumonía que presenta."
    )
    assert "English" in coder.code(text).warnings[0]
    assert coder.code("The patient was admitted with fever and a cough, and was treated for pneumonia.").warnings == ()


def test_candidates_have_the_features_that_are_named(coder: Coder) -> None:
    from icdcoder.predictors.dictionary.candidates.features import NAMES

    note = Note("n", "COPD. No fever. Mother had breast cancer. Fracture of the left distal radius.")
    predictor = coder.predictor
    assert isinstance(predictor, LexiconPredictor)
    found = predictor.candidates(note)
    features = predictor.features(note, found)
    assert features.shape == (len(found), len(NAMES))
    assert len(set(NAMES)) == len(NAMES)
    assert np.isfinite(features).all()
    fever = [c.code.value for c in found].index("R50.9")
    assert features[fever, NAMES.index("status_negated")] == 1
    assert predictor.features(note, []).shape == (0, len(NAMES))


def test_switches() -> None:
    text = "No pneumonia."
    with_all, without = (build(Config(index=False, assertion=on)) for on in (True, False))
    assert not any(c.accepted for c in next(with_all.predict([Note("n", text)])).codes)
    assert [c.code.value for c in next(without.predict([Note("n", text)])).codes if c.accepted] == ["J18.9"]


@pytest.mark.parametrize(
    ("edition", "codes"),
    [
        ("current", {"R05.9", "N18.30", "S72.92XA", "F32.A"}),
        ("2018", {"R05", "N18.3", "S72.92XA", "F32.9"}),
        ("2017", {"R05", "N18.3", "S72.92XA", "F32.9", "I21.3"}),
        ("2017-short", {"R05", "N18.3", "S72.92X", "F32.9", "I21.3"}),
    ],
)
def test_editions(edition: Edition, codes: set[str]) -> None:
    predictor = build(Config(index=False, edition=edition))
    note = Note("n", "Cough. Chronic kidney disease stage 3. Left femur fracture. Depression. AMI.")
    assert codes <= accepted(next(predictor.predict([note])))


def test_the_general_code_beside_the_specific_one() -> None:
    note = Note("n", "Macular edema. COPD with acute exacerbation. COPD.")
    default, general = (build(Config(index=False, specific=on)) for on in (True, False))
    assert {"R60.9", "J44.9"}.isdisjoint(accepted(next(default.predict([note]))))
    assert {"R60.9", "J44.9"} <= accepted(next(general.predict([note])))


@pytest.mark.parametrize(
    ("text", "present", "absent"),
    [
        ("History of breast cancer.", {"Z85.3"}, {"C50.919"}),
        ("History of breast cancer, now on chemotherapy for recurrence.", {"C50.919"}, set()),
        ("Status post appendectomy in 2010.", {"Z90.49"}, set()),
        ("Appendectomy is planned for tomorrow.", set(), {"Z90.49"}),
        ("FAMILY HISTORY:\nColon cancer in the father. Mother has diabetes.", {"Z80.0", "Z83.3"}, {"C18.9", "E11.9"}),
        ("No family history of colon cancer.", set(), {"Z80.0", "C18.9"}),
        ("BMI 42.1. Warfarin toxicity.", {"Z68.41", "T45.515A"}, set()),
        ("The patient is in septic shock.", {"A41.9", "R65.21"}, set()),
        ("MRI of the left knee. There is knee pain and no effusion.", {"M25.562"}, {"M25.569"}),
        ("Left knee and right hip seen. There is knee pain.", {"M25.569"}, {"M25.561", "M25.562"}),
        ("Samples of blood and urine were sent.", set(), {"R31.9"}),
        ("Hemodialysis was discussed.", set(), {"Z99.2"}),
        ("End-stage renal disease, hemodialysis three times a week.", {"N18.6", "Z99.2"}, set()),
    ],
)
def test_histories_numbers_and_drugs(coder: Coder, text: str, present: set[str], absent: set[str]) -> None:
    found = accepted(coder.code(text))
    assert present <= found
    assert not absent & found


def test_wordings_of_your_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICDCODER_CACHE", str(tmp_path / "cache"))
    wordings, phrases = tmp_path / "wordings.tsv", tmp_path / "phrases.txt"
    wordings.write_text(
        "# ours\nicd10cm:J45.909\tabbreviation\tHTN\nicd10cm:G35.D\tsynonym\tthe wobbles\n", encoding="utf-8"
    )
    phrases.write_text("pneumonia board\n", encoding="utf-8")
    coder = Coder(build(Config(index=False, wordings=wordings, no_condition=phrases)))
    found = accepted(coder.code("The wobbles, HTN. Seen on the pneumonia board. Gout."))
    assert found == {"G35.D", "J45.909", "M10.9"}
    wordings.write_text("icd10cm:I10\tsynonym\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"wordings\.tsv, line 1: It has 2 columns"):
        build(Config(wordings=wordings))
    with pytest.raises(InputError, match="cannot be read"):
        build(Config(no_condition=tmp_path / "nothing.txt"))
