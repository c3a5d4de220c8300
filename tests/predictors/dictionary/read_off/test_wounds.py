from __future__ import annotations

import pytest

from icdcoder import systems
from icdcoder.knowledge.wound_sites import sites
from icdcoder.predictors.dictionary.read_off.wounds import wounds


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("laceration of the left hand", {"S61.412A"}),
        ("abrasions over the right knee and left elbow after a fall", {"S80.211A", "S50.312A"}),
        ("scalp laceration", {"S01.01XA"}),
        ("2 cm laceration to the forehead, repaired", {"S01.81XA"}),
        ("second-degree burn of the right forearm", {"T22.211A"}),
        ("full-thickness burn of the chest", {"T21.31XA"}),
        ("dog bite to the right forearm", {"S51.851A"}),
        ("gunshot wound to the left thigh", {"S71.132A"}),
        ("bruising of the left thigh after a fall", {"S70.12XA"}),
        ("bruising of the left thigh, on warfarin", set()),  # of no injury
        ("old laceration of the left hand", set()),
        ("lactate normal, place of the hand", set()),
    ],
)
def test_wounds_with_their_sites(text: str, codes: set[str]) -> None:
    assert {code.value for _, _, code in wounds(text)} == codes


def test_every_site_has_billable_codes() -> None:
    system = systems.load("icd10cm")
    made = {
        value
        for site in sites().values()
        for kind, characters in (
            ("open", "12345"),
            ("bruise", " "),
            ("abrasion", " "),
            ("burn", "0123"),
            ("crush", " "),
        )
        for character in characters
        for side in ("right", "left", "")
        if (value := site.code(kind, character.strip(), side))  # type: ignore[arg-type]
    }
    from icdcoder.core.code import Code

    assert len(made) > 300
    assert sorted(value for value in made if not system.is_billable(Code("icd10cm", value))) == []


def test_a_long_note_takes_no_time() -> None:
    text = "laceration of the " + "right and left " * 3_000 + "hand. " + "burn, " * 3_000
    assert list(wounds(text)) == []
