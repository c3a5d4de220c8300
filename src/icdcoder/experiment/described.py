"""What a coder's card says of the codes it predicts."""

from __future__ import annotations

from icdcoder import systems
from icdcoder.core.label_space import LabelSpace


def described(space: LabelSpace) -> tuple[dict[str, str], str]:
    """{code: description} of the space's codes (those of another edition have none), and the editions they are from."""
    known = {name: systems.load(name) for name in space.systems}
    found = {str(code): known[code.system].description(code) for code in space if code in known[code.system]}
    return found, "+".join(known[name].edition for name in space.systems)
