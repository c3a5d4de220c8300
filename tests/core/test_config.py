from __future__ import annotations

from pathlib import Path

import pytest

from icdcoder.core.config import Settings, build, override, read_toml, to_toml
from icdcoder.core.errors import ConfigError


class Inner(Settings):
    hidden: int = 3


class Outer(Settings):
    name: str
    rate: float = 0.1
    top: int | None = None
    inner: Inner = Inner()


def test_defaults_and_departures() -> None:
    outer = build(Outer, {"name": "x", "inner": {"hidden": 5}}, "")
    assert (outer.rate, outer.inner.hidden, outer.top) == (0.1, 5, None)


def test_an_unknown_key_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"Unknown key 'model\.inner\.hiden'\. Did you mean 'hidden'\?"):
        build(Outer, {"name": "x", "inner": {"hiden": 5}}, "model")


def test_a_missing_key_and_a_wrong_value_are_both_said() -> None:
    with pytest.raises(ConfigError, match=r"'name' is missing.*'rate' is 'fast'"):
        build(Outer, {"rate": "fast"}, "")


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Inner().hidden = 4  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("setting", "value"),
    [("a.b=3", 3), ("a.b=0.5", 0.5), ("a.b=true", True), ("a.b=word", "word"), ("a.b=[1, 2]", [1, 2]), ("a.b=", "")],
)
def test_override_reads_values_as_toml_else_as_text(setting: str, value: object) -> None:
    before = {"a": {"b": 1, "c": 2}}
    assert override(before, [setting]) == {"a": {"b": value, "c": 2}}
    assert before == {"a": {"b": 1, "c": 2}}


def test_another_kind_leaves_out_what_the_file_set_for_the_first() -> None:
    before = {"seed": 1, "model": {"kind": "laat", "attended": 64, "dropout": 0.1}}
    after = override(before, ["model.dropout=0.2", "model.kind=caml"])
    assert after == {"seed": 1, "model": {"kind": "caml", "dropout": 0.2}}
    assert override(before, ["model.kind=laat"]) == before


def test_override_makes_tables_and_refuses_nonsense() -> None:
    assert override({}, ["model.kind=laat"]) == {"model": {"kind": "laat"}}
    with pytest.raises(ConfigError, match="is not a setting"):
        override({}, ["model"])
    with pytest.raises(ConfigError, match="is a value, not a table"):
        override({"seed": 3}, ["seed.x=1"])


def test_toml_round_trip_leaves_nulls_out(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    outer = Outer(name="x", inner=Inner(hidden=9))
    path.write_text(to_toml(outer))
    assert "top" not in read_toml(path)
    assert build(Outer, read_toml(path), "") == outer


def test_bad_files_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no configuration file"):
        read_toml(tmp_path / "none.toml")
    bad = tmp_path / "bad.toml"
    bad.write_text("a = [")
    with pytest.raises(ConfigError, match="is not TOML"):
        read_toml(bad)
