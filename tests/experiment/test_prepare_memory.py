"""The memory that prepare needs does not grow with the tables."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

FAKE = Path(__file__).parents[2] / "benchmarks" / "fake_mimic.py"
# Chunks are made small, so that even small tables are many of them. A child process is measured, since a peak never
# falls. The tables are gzipped: of plain ones, polars reads some 200 MB ahead, which small ones do not fill.
PREPARE = """
import json, re, sys
from pathlib import Path
from icdcoder.experiment import documents, draft_share
from icdcoder.experiment.config import Experiment
from icdcoder.experiment.prepare import prepare

documents.CHARACTERS = draft_share.CHUNK = 1 << 17
prepared = prepare(Experiment.resolve(json.loads(sys.argv[1])))
# Not ru_maxrss, which counts what the parent had when it started this process.
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps([len(prepared.tokens.flat), peak]))
"""


def peak(folder: Path, notes: int) -> tuple[int, float, float]:
    """(tokens, megabytes at the peak, megabytes of the note table)."""
    spec = importlib.util.spec_from_file_location("fake_mimic_for_memory", FAKE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    module.write(folder, notes=notes, version=4)
    corpus = {"kind": "mimic4", "variant": "icd10", "split": "patient", "root": str(folder)}
    asked = {"name": "memory", "runs": str(folder), "corpus": corpus, "model": {"kind": "linear"}}
    command = [sys.executable, "-c", PREPARE, json.dumps(asked)]
    tokens, megabytes = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    table = folder / "note" / "discharge.csv.gz"
    return tokens, megabytes, int.from_bytes(table.read_bytes()[-4:], "little") / 1e6  # gzip ends with the whole size


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is counted in other units elsewhere")
def test_the_peak_does_not_grow_with_the_texts(tmp_path: Path) -> None:
    few, low, small = peak(tmp_path / "few", 2000)
    # On a busy machine what was freed is given back late: the lower of two.
    many, high, large = min(peak(tmp_path / f"many {turn}", 8000) for turn in range(2))
    assert many > 3 * few
    assert large - small > 55
    # Ids, codes and words are kept of all documents, and take a few thousand bytes each; texts and tokens of none.
    assert high - low < 0.85 * (large - small), (low, high)
    assert high < 600


COLUMNS = """
import json, re, sys
from pathlib import Path
import numpy as np
import polars as pl
from icdcoder.core.code import Code
from icdcoder.core.label_space import LabelSpace
from icdcoder.experiment import documents
from icdcoder.experiment.documents import code_columns

def held(what):
    return int(re.search(what + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

documents.AT_ONCE = int(sys.argv[2])
space = LabelSpace(Code("icd10cm", f"A{i:05}") for i in range(8000))
pl.scan_parquet(sys.argv[1]).select(pl.len()).collect()
before = held("VmRSS")
flat, lengths = code_columns(Path(sys.argv[1]), space)
print(json.dumps([len(flat), len(lengths), held("VmHWM") - before]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is counted in other units elsewhere")
def test_the_codes_of_all_documents_are_never_text_together(tmp_path: Path) -> None:
    count, each = 60_000, 20
    numbers = np.random.default_rng(0).integers(0, 9000, (count, each))
    codes = pl.DataFrame({"number": numbers}).with_columns(
        codes=pl.col("number")
        .arr.to_list()
        .list.eval(pl.format("icd10cm:A{}", pl.element().cast(pl.String).str.zfill(5)))
    )
    codes.select("codes").write_parquet(tmp_path / "documents.parquet", row_group_size=256)
    peaks = []
    for at_once in (4096, count):
        command = [sys.executable, "-c", COLUMNS, str(tmp_path / "documents.parquet"), str(at_once)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        assert found[:2] == [int((numbers < 8000).sum()), count]
        peaks.append(found[2])
    assert peaks[0] < 0.6 * peaks[1], peaks
