"""As zero_shot, after notes with their answers. Ours are invented; a file of the user's has one JSON object a line:

{"system": "icd10cm", "note": "…", "codes": [{"code": "I10", "evidence": "hypertension"}]}
"""

from __future__ import annotations

import json
from pathlib import Path

from icdcoder.core.errors import ConfigError
from icdcoder.predictors.prompting.contract import Outcome, Tools
from icdcoder.predictors.prompting.strategies.zero_shot import allowed

OWN = Path(__file__).parent.parent / "examples.jsonl"


def code(text: str, tools: Tools) -> Outcome:
    outcome = Outcome()
    examples = _examples(tools.examples or OWN, tools.codebook.name)
    outcome.add(tools.ask("few_shot", note=text, examples=examples, allowed=allowed(tools)))
    return outcome


def _examples(path: Path, system: str) -> str:
    """Raises ConfigError that names the line, and shows none of it: it may be a patient's."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # other ends of lines may stand within a note
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"The examples {path} cannot be read as text.") from None
    shown = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line) if line.strip() else None
            if row is not None and row.get("system", system) == system:
                answer = json.dumps({"codes": [{"code": c["code"], "evidence": c["evidence"]} for c in row["codes"]]})
                shown.append(f"<note>\n{row['note']}\n</note>\n\nAnswer:\n{answer}\n")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(f"{path}, line {number}, is not an example with note, codes and evidence.") from None
    if not shown:
        raise ConfigError(f"{path} holds no example for {system}.")
    return "\n".join(shown)
