from __future__ import annotations

import subprocess
import sys

import pytest

from icdcoder.core import components
from icdcoder.core.errors import ConfigError, MissingExtraError, did_you_mean


def test_a_file_is_a_component() -> None:
    assert {"caml", "laat", "multirescnn"} <= set(components.names("models"))
    assert {"icd9cm", "icd9pcs", "icd10cm", "icd10pcs"} <= set(components.names("systems"))


def test_a_typo_is_answered() -> None:
    with pytest.raises(ConfigError, match=r"no 'lat' in models\. Did you mean 'laat'\?"):
        components.load("models", "lat")


def test_a_missing_library_names_the_extra() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'icdcoder\[train\]'"), components.extra_named("training"):
        raise ModuleNotFoundError(name="torch.nn")
    with pytest.raises(ModuleNotFoundError), components.extra_named("training"):
        raise ModuleNotFoundError(name="somebody.elses")


def test_did_you_mean() -> None:
    assert did_you_mean("icd10cn", ["icd10cm", "icd9cm"]) == " Did you mean 'icd10cm'?"
    assert did_you_mean("zzz", ["icd10cm"]) == ""


@pytest.mark.parametrize(
    "folder", ["core", "systems", "corpora", "knowledge", "text", "predictors.lexicon", "coder", "cli.app"]
)
def test_no_torch_where_none_is_needed(folder: str) -> None:
    script = f"import sys, icdcoder.{folder}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
