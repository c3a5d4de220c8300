"""Errors are sentences: what is wrong, with which input, and the way out. They never hold patient text."""

from __future__ import annotations


class IcdcoderError(Exception):
    """The root of every error that a user can mend. Commands print it as one sentence and exit with 2."""


class InputError(IcdcoderError):
    """The user's data cannot be read or is not what it should be."""


class ConfigError(IcdcoderError):
    """A configuration holds an unknown key, a wrong value, or names a component that does not exist."""


class ArtefactError(IcdcoderError):
    """A folder that icdcoder wrote (prepared, run, coder, report) is missing, damaged or from another source."""


class UnknownCodeError(IcdcoderError, KeyError):
    """A code is not in its code system's edition."""

    def __str__(self) -> str:
        return str(self.args[0])


class MissingExtraError(IcdcoderError):
    """A library that one of the optional extras brings is not installed."""

    def __init__(self, extra: str, needed_by: str) -> None:
        super().__init__(
            f"{needed_by} needs the extra [{extra}], which is not installed: pip install 'icdcoder[{extra}]'"
        )
        self.extra = extra


def did_you_mean(word: str, known: list[str]) -> str:
    """Returns " Did you mean 'x'?" for the nearest known word, or "" when none is near."""
    import difflib

    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""
