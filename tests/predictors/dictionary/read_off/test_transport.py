from __future__ import annotations

import pytest

from icdcoder import systems
from icdcoder.predictors.dictionary.read_off import transport
from icdcoder.predictors.dictionary.read_off.transport import accidents


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Helmeted motorcyclist who lost control and hit a guardrail. Rib fractures.", "V27.49XA"),
        ("motorcycle vs SUV, tibia fracture", "V23.49XA"),
        ("Injured when his motorbike skidded on gravel.", "V28.49XA"),
        ("cyclist struck by a bus, pelvic fracture", "V14.4XXA"),
        ("She fell off her bicycle and fractured the radius.", "V18.4XXA"),
        ("pedestrian hit by a car with head injury", "V03.10XA"),
    ],
)
def test_who_came_to_harm_on_the_road(text: str, code: str) -> None:
    assert [found.value for _, _, found in accidents(text)] == [code]


@pytest.mark.parametrize(
    "text",
    [
        "He rides a motorcycle. Ankle fracture after a fall from a ladder.",
        "prior motorcycle crash into a tree; no injury today",
        "He came by bicycle and parked at the wall.",
    ],
)
def test_what_is_no_accident(text: str) -> None:
    assert list(accidents(text)) == []


def test_every_code_is_billable() -> None:
    system = systems.load("icd10cm")
    assert all(system.is_billable(system.canonical(value)) for value in transport._CODES.values())
