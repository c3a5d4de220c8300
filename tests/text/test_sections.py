"""Sections tile the note, and headings of several styles are found."""

from __future__ import annotations

import json
import os
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.text import sections
from icdcoder.text.sections import OTHER, kinds, split

DATA = Path(os.environ.get("ICDCODER_DATA", Path(__file__).parents[3] / "shared" / "data"))
HEADINGS = st.sampled_from(
    [
        "Past Medical History:",
        "PLAN:",
        "ALLERGIES, ",
        "\n",
        " ",
        "1. ",
        "S: ",
        "O: ",
        "A: ",
        "x. ",
        "Sodium: 134",
        "(a)",
    ]
)


def outline(text: str) -> list[tuple[str, str]]:
    """(kind, first words of the body) of each section."""
    return [(s.kind, " ".join(text[s.body_start : s.end].split()[:2])) for s in split(text)]


@given(st.one_of(st.text(max_size=300), st.lists(HEADINGS, max_size=20).map("".join)))
def test_sections_tile_the_note(text: str) -> None:
    found = split(text)
    assert "".join(text[s.start : s.end] for s in found) == text
    assert all(s.start < s.end and s.start <= s.body_start <= s.end for s in found)
    assert all(s.title == text[s.start : s.body_start].strip(" \t\n:,.-*#")[-len(s.title) :] for s in found if s.title)


def test_a_discharge_summary() -> None:
    text = (
        "Admission Date: [**2101-3-4**]\nService: MEDICINE\n\nAllergies:\nPenicillins\n\n"
        "Past Medical History:\n1. Hypertension\n2. CAD: stents x2\n\nFamily History:\nFather: MI\n\n"
        "Pertinent Results:\nSodium: 134\nWBC: 12\n\nBrief Hospital Course:\n# Sepsis: treated.\nCardiac: stable\n\n"
        "Medications on Admission:\nAspirin\n\nDischarge Disposition:\nHome\n\nDischarge Diagnosis:\nSepsis\n\n"
        "Discharge Condition:\nGood\n\nDischarge Instructions:\nCall if fever.\n\nFollowup Instructions:\nIn a week\n"
    )
    assert outline(text) == [
        ("administrative", "[**2101-3-4**]"),
        ("administrative", "MEDICINE"),
        ("allergies", "Penicillins"),
        ("past_medical_history", "1. Hypertension"),
        ("family_history", "Father: MI"),
        ("pertinent_results", "Sodium: 134"),
        ("hospital_course", "# Sepsis:"),
        ("medications_on_admission", "Aspirin"),
        ("disposition", "Home"),
        ("discharge_diagnosis", "Sepsis"),
        ("discharge_condition", "Good"),
        ("instructions", "Call if"),
        ("follow_up", "In a"),
    ]


def test_an_operative_report() -> None:
    text = (
        "PREOPERATIVE DIAGNOSIS: 1. Carpal tunnel.\nPOSTOPERATIVE DIAGNOSES:\n1. Same.\n\nTITLE OF THE OPERATION\n"
        "Release.\n\nANESTHESIA, General.\n\nDETAILS OF THE PROCEDURE: The patient.\nHEENT: not a heading\n"
    )
    assert outline(text) == [
        ("preoperative_diagnosis", "1. Carpal"),
        ("postoperative_diagnosis", "1. Same."),
        ("procedures", "Release."),
        ("operative_details", "General."),
        ("operative_note", "The patient."),
    ]


def test_a_radiology_report() -> None:
    text = "CLINICAL HISTORY: Cough.\n\nCOMPARISON: None.\nFINDINGS: Clear.\n\nIMPRESSION:\n1. No pneumonia."
    assert [kind for kind, _ in outline(text)] == ["clinical_history", "comparison", "findings", "impression"]


def test_a_soap_note() -> None:
    words = ["history_of_present_illness", "physical_exam", "assessment", "plan"]
    assert [k for k, _ in outline("SUBJECTIVE: Pain.\nOBJECTIVE: Tender.\nASSESSMENT: Gout.\nPLAN: Rest.")] == words
    assert [k for k, _ in outline("S: Pain.\nO: Tender.\nA: Gout.\nP: Rest.")] == words
    assert [k for k, _ in outline("P: 80\nO: 98%")] == [OTHER]
    assert [k for k, _ in outline("A/P:\n1. Gout")] == ["assessment"]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Past Medical/Surgical History:", "past_medical_history"),
        ("PAST MEDICAL HISTORY (per chart):", "past_medical_history"),
        ("2. FAMILY HISTORY:", "family_history"),
        ("II. Social History:", "social_history"),
        ("## Assessment & Plan", "assessment"),
        ("**Discharge Diagnoses:**", "discharge_diagnosis"),
        ("   Allergies:", "allergies"),
        ("CT abdomen and pelvis:", "imaging"),
        ("Discharge Diagnosis", "discharge_diagnosis"),
        ("IMPRESSION - 1.", "impression"),
        ("REVIEW OF SYSTEMS. Negative", "review_of_systems"),
    ],
)
def test_spellings_of_a_heading(line: str, kind: str) -> None:
    assert [s.kind for s in split(f"text before.\n{line} something\n" if line[-1] == ":" else f"x.\n{line}\ny")][
        1:
    ] == [kind]


@pytest.mark.parametrize(
    "line",
    [
        "Sodium: 134",
        "1. Allergies",
        "1. Hypertension: stable",
        "history: of pain",
        "HEENT: normal",
        "No family history: none",
        "She has allergies, pain",
        "the plan is to go",
        "Family history of cancer is denied and this is a sentence",
    ],
)
def test_lines_that_begin_no_section(line: str) -> None:
    assert [s.kind for s in split(f"text before.\n{line}\nmore")] == [OTHER]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Well.,MEDICATIONS: , None.,ALLERGIES: , None.", [OTHER, "medications", "allergies"]),
        (
            "He is stable. Past medical history: gout. Family history: none.",
            [OTHER, "past_medical_history", "family_history"],
        ),
        ("LMP: 10/18. Age: 39. Sex: female.", [OTHER]),
        ("PHYSICAL STATUS: Fall risk.", [OTHER]),
        ("He has a plan: to go home", [OTHER]),
    ],
)
def test_headings_within_a_line(text: str, expected: list[str]) -> None:
    assert [s.kind for s in split(text)] == expected


def test_a_note_without_headings_is_one_section() -> None:
    assert [(s.kind, s.start, s.end, s.body_start) for s in split("just text")] == [(OTHER, 0, 9, 0)]
    assert split("") == []


def test_the_data_file_gives_each_heading_one_kind() -> None:
    seen: dict[tuple[object, bool], str] = {}
    for line in (files("icdcoder.text") / "data" / "section_headers.tsv").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        kind, headings = line.split("\t")
        for heading in headings.split(";"):
            key = (sections._key(heading.strip(" *")), heading.endswith("*"))
            assert key[0], heading
            assert key not in seen, f"{heading!r} stands under {seen.get(key)} and {kind}"
            seen[key] = kind
    assert set(seen.values()) | {OTHER} == set(kinds())


@pytest.mark.parametrize(
    "piece", ["A", " ", "A ", "PAST ", "Past medical. ", "a: ", "(", "[", "\n \t", "History ", "THE , "]
)
def test_long_text_is_read(piece: str) -> None:
    text = piece * (1_000_000 // len(piece)) + "\nPLAN: rest"
    assert split(text)[-1].kind == "plan"


def test_title_is_not_in_the_repr() -> None:
    assert "Bob" not in repr(split("MEDICATIONS (per Bob): none"))


def test_real_reports_have_known_sections() -> None:
    path = DATA / "notes" / "mtsamples.jsonl"
    if not path.is_file():
        pytest.skip("the transcribed reports are not here")
    known = total = 0
    for line in path.read_text(encoding="utf-8").splitlines()[::10]:
        text = json.loads(line)["text"]
        found = split(text)
        assert "".join(text[s.start : s.end] for s in found) == text
        known += any(s.kind != OTHER for s in found)
        total += 1
    assert known > 0.93 * total
