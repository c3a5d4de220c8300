"""Configuration: TOML files that list only departures from the components' own defaults."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from icdcoder.core.errors import ConfigError, did_you_mean

_KIND = "kind"


class Settings(BaseModel):
    """Parent of every configuration class: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


S = TypeVar("S", bound=Settings)


def read_toml(path: Path) -> dict[str, Any]:
    """Raises ConfigError where the file is missing or is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"There is no configuration file {path}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None


def override(data: Mapping[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """Applies "model.hidden=256" to nested data and returns the new data. Values are read as TOML, else as text.

    "model.kind=caml" comes first, wherever it stands: what the data set for a model of another kind is left out.
    """
    result = _copy(data)
    pairs = [_pair(setting) for setting in settings]
    for key, value in sorted(pairs, key=lambda pair: not pair[0].endswith(f".{_KIND}")):
        *parents, last = key.split(".")
        place = result
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise ConfigError(f"{key!r} cannot be set: {parent!r} is a value, not a table.")
        if last == _KIND and parents and place.get(_KIND, _value(value)) != _value(value):
            place.clear()
        place[last] = _value(value)
    return result


def _pair(setting: str) -> tuple[str, str]:
    key, equals, value = setting.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"{setting!r} is not a setting; write key=value, as in --set model.hidden=256.")
    return key.strip(), value.strip()


def build(cls: type[S], data: Mapping[str, Any], where: str) -> S:
    """Validates `data` as `cls`. Raises ConfigError with one clear sentence a problem; `where` names the table."""
    try:
        return cls.model_validate(dict(data))
    except ValidationError as error:
        raise ConfigError(" ".join(_sentence(cls, problem, where) for problem in error.errors())) from None


def to_toml(settings: BaseModel | Mapping[str, Any]) -> str:
    """The resolved configuration as TOML; keys whose value is None are left out, as TOML has no null."""
    import tomli_w

    data = settings.model_dump(mode="json") if isinstance(settings, BaseModel) else dict(settings)
    return tomli_w.dumps(_without_none(data))


def _sentence(cls: type[Settings], problem: Any, where: str) -> str:
    path = ".".join(str(p) for p in (where, *problem["loc"]) if str(p))
    if problem["type"] == "extra_forbidden":
        known = _fields(cls, problem["loc"][:-1])
        return f"Unknown key {path!r}.{did_you_mean(str(problem['loc'][-1]), known)} Known: {', '.join(known)}."
    if problem["type"] == "missing":
        return f"The key {path!r} is missing."
    message = problem["msg"].removeprefix("Value error, ")
    return f"{path!r} is {problem['input']!r}: {message[:1].lower()}{message[1:].rstrip('.')}."


def _fields(cls: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    for part in path:
        field = cls.model_fields.get(str(part))
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
            break
        cls = field.annotation
    return sorted(cls.model_fields)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _copy(data: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _copy(v) if isinstance(v, Mapping) else v for k, v in data.items()}


def _without_none(data: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _without_none(v) if isinstance(v, Mapping) else v for k, v in data.items() if v is not None}
