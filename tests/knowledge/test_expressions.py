from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.knowledge import expressions
from icdcoder.knowledge.expressions import KINDS, Expression, ExpressionGroup

I10, HTN9 = Code("icd10cm", "I10"), Code("icd9cm", "401.9")


def written(folder: Path, *lines: str) -> Path:
    path = folder / "mine.tsv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_lines_of_the_same_codes_are_one_group(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "# a comment\twith\ttabs",
        "",
        "icd9cm:401.9 icd10cm:I10\tterm\thypertension | high blood pressure",
        "icd10cm:I10 icd9cm:401.9\tabbreviation\tHTN|HBP | HTN\r",
        "icd9cm:401.9 icd10cm:I10\tterm\thypertension|arterial hypertension",
    )
    assert expressions.read(path) == (
        ExpressionGroup(
            (HTN9, I10),
            {"term": ("hypertension", "high blood pressure", "arterial hypertension"), "abbreviation": ("HTN", "HBP")},
        ),
    )


def test_codes_are_spelled_canonically(tmp_path: Path) -> None:
    (group,) = expressions.read(written(tmp_path, "icd9cm:4019 icd10cm:i10\tterm\thypertension"))
    assert group.codes == (HTN9, I10)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "bom.tsv"
    path.write_bytes("icd10cm:I10\tterm\tüberdruck".encode("utf-8-sig"))
    assert expressions.read(path)[0].by_kind == {"term": ("überdruck",)}


@given(
    st.dictionaries(
        st.sampled_from(KINDS),
        st.lists(st.text("abcÄ -./'12", min_size=1).map(str.strip).filter(bool), min_size=1, unique=True),
        min_size=1,
    )
)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, given_kinds: dict[str, list[str]]) -> None:
    lines = [f"icd10cm:I10\t{kind}\t{' | '.join(texts)}" for kind, texts in given_kinds.items()]
    (group,) = expressions.read(written(tmp_path_factory.mktemp("x"), *lines))
    assert group.by_kind == {kind: tuple(texts) for kind, texts in given_kinds.items()}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("icd10cm:I10\tterm", "2 columns instead of 3"),
        ("icd10cm:I10 term hypertension", "1 columns instead of 3"),
        ("icd10cm:I10\tterms\thypertension", "Did you mean 'term'"),
        ("icd10cm:I10\tterm\thypertension || HTN", "is empty"),
        ("icd10cm:I10\tterm\t ", "is empty"),
        ("\tterm\thypertension", "one or more codes"),
        ("icd10cm:I10 icd10cm:i10\tterm\thypertension", "each once"),
        ("I10\tterm\thypertension", "write the system before it"),
        ("icd10cm:I10.99\tterm\thypertension", "no code I10.99"),
        ("icd11cm:I10\tterm\thypertension", "Did you mean 'icd10cm'"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = written(tmp_path, "# first", "icd10cm:I10\tterm\thypertension", line)
    with pytest.raises(InputError, match=said) as caught:
        expressions.read(path)
    assert "mine.tsv, line 3: " in str(caught.value)


def test_unreadable_files_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        expressions.read(tmp_path / "absent.tsv")
    (tmp_path / "binary.tsv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        expressions.read(tmp_path / "binary.tsv")


def test_expressions_of_a_system_by_code(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "icd9cm:003.1 icd10cm:A02.1\tterm\tsalmonella sepsis of the tests",
        "icd9cm:003.1 icd10cm:A02.1\tindirect\tgram-negative rods of the tests",
        "icd10cm:A02.1\tsynonym\tanother word of the tests | salmonella sepsis of the tests",
    )
    code = Code("icd10cm", "A02.1")
    found = expressions.load("icd10cm", more=[path])[code]
    assert Expression("salmonella sepsis of the tests", "term") in found
    assert Expression("another word of the tests", "synonym") in found
    assert {expression.kind for expression in found} <= set(expressions.CODING_KINDS)
    assert (
        Expression("gram-negative rods of the tests", "indirect")
        in expressions.load("icd10cm", kinds=["indirect"], more=[path])[code]
    )
    assert Code("icd9cm", "003.1") not in expressions.load("icd10cm", more=[path])
    assert expressions.load("icd9pcs", more=[path]) == expressions.load("icd9pcs")


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="Did you mean 'synonym'"):
        expressions.load("icd10cm", kinds=["synonyms"])


def test_codes_that_an_edition_no_longer_holds_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = written(tmp_path, "icd9cm:365.11 icd10cm:H40.11X0\tterm\tchronic glaucoma", "icd10cm:H40.11X1\tterm\tgone")
    monkeypatch.setattr(expressions, "files", lambda: [path])
    expressions._own.cache_clear()
    try:
        (group,) = expressions.load_groups()
        assert group.codes == (Code("icd9cm", "365.11"),)
        assert expressions.load("icd10cm") == {}
    finally:
        expressions._own.cache_clear()
