from __future__ import annotations

import pytest

from icdcoder import systems
from icdcoder.core.code import Code
from icdcoder.core.errors import ConfigError, UnknownCodeError
from icdcoder.knowledge import descriptions


def test_descriptions_are_those_of_the_system() -> None:
    system, found = systems.load("icd9pcs"), descriptions.load("icd9pcs")
    assert len(found) == len(system)
    assert dict(found) == {code: system.description(code) for code in system.codes()}


def test_an_unknown_code_is_a_missing_key() -> None:
    found = descriptions.load("icd9cm")
    assert found[Code("icd9cm", "428.0")] == "Congestive heart failure, unspecified"
    assert found.get(Code("icd10cm", "I10")) is None
    assert Code("icd9cm", "428.00") not in found
    with pytest.raises(UnknownCodeError):
        found[Code("icd9cm", "428.00")]


def test_only_codes_with_inclusion_terms_are_listed() -> None:
    found = descriptions.load_inclusion_terms("icd10cm")
    assert "Non-Q wave myocardial infarction NOS" in found[Code("icd10cm", "I21.4")]
    assert all(found.values())
    assert len(found) > 6_000
    assert descriptions.load_inclusion_terms("icd9cm") == {}


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(ConfigError, match="Did you mean"):
        descriptions.load("icd10cn")
