from __future__ import annotations

import json
from pathlib import Path

from icdcoder.experiment.cautions import cautions
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepare import prepare


def said(folder: Path, codes: list[str], splits: list[str]) -> list[str]:
    rows = [
        {"id": str(i), "text": f"note {i}", "codes": codes, "split": split, "system": "icd10cm"}
        for i, split in enumerate(splits)
    ]
    (folder / "notes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    table = {"kind": "table", "path": str(folder / "notes.jsonl")}
    return cautions(
        prepare(
            Experiment.resolve(
                {
                    "name": "small",
                    "runs": str(folder),
                    "corpus": table,
                    "model": {"kind": "caml"},
                    "text": {"min_documents": 1},
                }
            )
        )
    )


def test_parts_that_are_missing_and_codes_that_are_not_known_are_named(tmp_path: Path) -> None:
    missing, unmeasured, unknown = said(tmp_path, ["I10", "ZZZ"], ["train"] * 3)
    assert missing.startswith("There are no validation notes: no threshold can be chosen")
    assert unmeasured.startswith("There are no test notes")
    assert unknown.startswith("1 of 2 codes of the label space are not in the editions at hand")
    assert unknown.endswith("icd10cm:ZZZ")


def test_nothing_is_said_of_a_corpus_that_is_whole(tmp_path: Path) -> None:
    assert said(tmp_path, ["I10"], ["train", "validation", "test"]) == []
