from __future__ import annotations

import os
from pathlib import Path

import pytest

from icdcoder.core.code import Code
from icdcoder.core.config import build
from icdcoder.core.errors import ConfigError, InputError
from icdcoder.corpora.cmc2007 import FILE, Config, read

REAL = Path(os.environ.get("ICDCODER_DATA", Path(__file__).parents[3] / "shared" / "data")) / "cmc2007"
DOC = """<doc id="{i}" type="RADIOLOGY_REPORT"><codes><code origin="COMPANY1" type="ICD-9-CM">204.0</code>
<code origin="CMC_MAJORITY" type="ICD-9-CM">786.2</code><code origin="CMC_MAJORITY" type="ICD-9-CM">V42.81</code>
</codes><texts><text origin="X" type="CLINICAL_HISTORY">Cough {text}.</text>
<text origin="X" type="IMPRESSION">Clear.</text></texts>
</doc>"""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    body = "".join(DOC.format(i=i, text=i // 2) for i in range(40))
    (tmp_path / FILE).write_text(f"<docs>{body}</docs>")
    return tmp_path


def test_the_majority_is_gold_and_the_note_has_its_sections(corpus: Path) -> None:
    document = read(Config(root=corpus)).documents[0]
    assert document.codes == (Code("icd9cm", "786.2"), Code("icd9cm", "V42.81"))
    assert document.notes[0].text == "CLINICAL HISTORY:\nCough 0.\n\nIMPRESSION:\nClear."


def test_folds_cover_every_report_once(corpus: Path) -> None:
    tested = [
        d.id for fold in range(5) for d in read(Config(root=corpus, folds=5, fold=fold)).documents if d.split == "test"
    ]
    assert sorted(tested) == sorted(str(i) for i in range(40))


@pytest.mark.parametrize("fold", range(5))
def test_equal_texts_are_never_on_both_sides(corpus: Path, fold: int) -> None:
    where: dict[str, set[str]] = {}
    for document in read(Config(root=corpus, folds=5, fold=fold)).documents:
        where.setdefault(document.notes[0].text, set()).add(document.split)
    assert len(where) == 20
    assert all(len(splits) == 1 for splits in where.values())


def test_the_file_itself_can_be_named(corpus: Path) -> None:
    assert len(read(Config(root=corpus / FILE)).documents) == 40


def test_bad_files_and_folds_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not there"):
        read(Config(root=tmp_path))
    (tmp_path / FILE).write_text("<docs><doc>")
    with pytest.raises(InputError, match="is not XML"):
        read(Config(root=tmp_path))
    (tmp_path / FILE).write_text("<docs/>")
    with pytest.raises(InputError, match="holds no reports"):
        read(Config(root=tmp_path))
    with pytest.raises(ConfigError, match="fold 10 is not one of 10 folds"):
        build(Config, {"root": str(tmp_path), "fold": 10}, "corpus")


@pytest.mark.skipif(not REAL.is_dir(), reason=f"CMC 2007 is not at {REAL}")
def test_the_published_counts() -> None:
    documents = read(Config(root=REAL)).documents
    assert len(documents) == 978
    assert len({code for d in documents for code in d.codes}) == 45
    assert sum(len(d.codes) for d in documents) / 978 == pytest.approx(1.245, abs=0.001)
