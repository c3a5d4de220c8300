"""Sections tile the note, and headings of several styles are found."""

from __future__ import annotations

import json
import os
import re
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given, settings
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


# The same rules as one regular expression each, which says what counts, at ten times the cost.
PLAIN_AT_LINE = re.compile(
    r"^[ \t]*(?P<mark>[#*=•>-]{1,3}[ \t]*)?(?P<number>(?:\d{1,2}|[IVX]{1,4}|[A-H])[.)][ \t]*)?"
    r"(?P<title>[A-Za-z0-9](?:[^\W_]|[ \t/&'(),.\[\]+-]){0,80}?)[ \t]*\*{0,2}(?P<end>:|$)",
    re.MULTILINE,
)
PLAIN_WITHIN_LINE = re.compile(
    r"(?:(?<=[a-z0-9.,;:!?)] )|(?<=[.,;:!?)]))(?P<title>[A-Z][A-Z/&' -]{1,60}[A-Z])[ ]?:"
    r"|(?<=[.!?)] )(?P<sentence>[A-Z][A-Za-z/&' -]{2,60}):"
)


def plain_headings(text: str) -> list[tuple[int, int, str]]:
    """(start, end, kind) of headings at lines and within them."""
    found = []
    for match in PLAIN_AT_LINE.finditer(text):
        title, alone = match["title"], not match["end"]
        if alone and (match["number"] or title[-1] in ".,") and not match["mark"]:
            continue
        if title[0].islower() or (match["number"] and not title.isupper() and " " not in title):
            continue
        found.append((match.start(), match.end(), sections._kind_of(title, whole_line=alone)))
    for match in sections._CAPITALS_AT_LINE.finditer(text):
        found.append((match.start(), match.end(), sections._kind_of(match["title"])))
    for match in PLAIN_WITHIN_LINE.finditer(text):
        kind = sections._kind_of(match["title"] or match["sentence"], whole_line=True)
        found.append((match.start(), match.end(), None if kind == "administrative" else kind))
    return surest([heading for heading in found if heading[2]])


def surest(headings: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """In order, the first of those that begin at the same place."""
    by_start: dict[int, tuple[int, int, str]] = {}
    for heading in headings:
        by_start.setdefault(heading[0], heading)
    return [by_start[start] for start in sorted(by_start)]


def quick_headings(text: str) -> list[tuple[int, int, str]]:
    found = [h for h in sections._candidates(text) if not SINGLE_LETTER.match(h.title)]
    return surest([(h.start, h.body_start, h.kind) for h in found])


SINGLE_LETTER = re.compile(r"(?:[SOAP]|A/P)$")
PIECES = st.sampled_from(
    "Plan PLAN Past medical history PAST MEDICAL HISTORY Allergies ALLERGIES Medications The and IV I. II) 3. 12) A. # "
    "** - • : : : . . , ; ! ) ( [ ] _ ' / & -- x é 2 Hospital COURSE HOSPITAL Review of systems Date Family FAMILY "
    "Discharge diagnosis diagnoses IMPRESSION FINDINGS".split()
)
MADE_TEXTS = st.lists(st.one_of(PIECES, st.sampled_from([" ", " ", "\n", "\n\n", "\t", "\r\n", "\u2028"])), max_size=40)


@settings(max_examples=400, deadline=None)
@given(MADE_TEXTS.map("".join))
def test_headings_are_those_of_the_plain_rules(text: str) -> None:
    assert quick_headings(text) == [h for h in plain_headings(text) if not _is_letter(text, h)]


def _is_letter(text: str, heading: tuple[int, int, str]) -> bool:
    return bool(SINGLE_LETTER.match(text[heading[0] : heading[1]].strip(" \t:#*=•>-")))


@pytest.mark.parametrize("blanks", [0, 1, 2])
@pytest.mark.parametrize("before", ["stable. ", "stable.", "stable ", "Stable ", "(x) ", "(x)", "word  ", ": ", "9 "])
@pytest.mark.parametrize("length", [*range(5), *range(57, 66)])
def test_titles_within_a_line_are_as_long_as_the_plain_rules_say(before: str, length: int, blanks: int) -> None:
    for word in ("X" * length, "X" + "y" * length, "X" * (length // 2) + "y " + "X" * (length - length // 2)):
        text = f"{before}{word}{' ' * blanks}: more"
        plain = [(m.start(), m.end(), m["title"] or m["sentence"]) for m in PLAIN_WITHIN_LINE.finditer(text)]
        colons = [at for at, letter in enumerate(text) if letter == ":"]
        found = [(at - length, at + 1, title) for at in colons for length, title in [sections._title_before(text, at)]]
        assert [heading for heading in found if heading[2]] == plain


def test_real_reports_have_the_headings_of_the_plain_rules() -> None:
    path = DATA / "notes" / "mtsamples.jsonl"
    if not path.is_file():
        pytest.skip("the transcribed reports are not here")
    for line in path.read_text(encoding="utf-8").splitlines()[::20]:
        text = json.loads(line)["text"]
        for changed in (text, text.replace(". ", ".\n"), text.replace("\n", " ")):
            plain = [h for h in plain_headings(changed) if not _is_letter(changed, h)]
            assert quick_headings(changed) == plain


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


@pytest.mark.parametrize(
    ("body", "rest"),
    [
        (" Father had gout.\nHe presents with a cough.", "\nHe presents with a cough."),
        (" Gout. The patient has asthma.", "The patient has asthma."),
        (" Gout.\n\nA man who came after a fall.", "\n\nA man who came after a fall."),
        ("\n\nGout\n\nAsthma\n\nHer mother and two of her aunts had strokes.", ""),
        (" The patient has a brother. He had gout. The patient reports diabetes.", ""),
    ],
)
def test_a_family_history_ends_where_the_note_goes_on_with_the_patient(body: str, rest: str) -> None:
    text = f"FAMILY HISTORY:{body}"
    found = split(text)
    assert found[0].kind == "family_history"
    assert "".join(text[s.start : s.end] for s in found[1:] if s.kind == OTHER) == rest
