"""MIMIC's files as PhysioNet ships them, and what may be wrong with them."""

from __future__ import annotations

import csv
import gzip
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icdcoder.core.errors import InputError
from icdcoder.corpora._mimic import raw
from icdcoder.corpora._mimic.tables import notes, small_table, source_files

SUMMARY = "Discharge summary"
COLUMNS = ["ROW_ID", "HADM_ID", "CATEGORY", "TEXT"]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=30)
ROWS = st.lists(
    st.tuples(
        st.integers(0, 99).map(str), st.sampled_from(["", "1", "22"]), st.sampled_from([SUMMARY, "ECG"]), TEXT
    ),
    min_size=1,
    max_size=12,
)  # fmt: skip


def as_csv(rows: list[tuple[str, ...]], quoting: int = csv.QUOTE_NONNUMERIC) -> bytes:
    file = StringIO(newline="")
    writer = csv.writer(file, quoting=quoting, lineterminator="\n")
    writer.writerows([COLUMNS, *rows])
    return file.getvalue().encode()


@settings(deadline=None)
@given(ROWS, st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), st.booleans())
def test_texts_come_back_whatever_they_hold(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]], quoting: int, gzipped: bool
) -> None:
    folder = tmp_path_factory.mktemp("mimic")
    body = as_csv(rows, quoting)
    (folder / f"NOTEEVENTS.csv{'.gz' if gzipped else ''}").write_bytes(gzip.compress(body) if gzipped else body)
    with notes(folder, "noteevents", where={"category": [SUMMARY]}) as found:
        wanted = [row for row in rows if row[2] == SUMMARY]
        assert found.rows == len(rows)
        assert found.frame["row_id"].to_list() == [row[0] for row in wanted]
        assert [found.text(i) for i in range(len(found))] == [row[3] for row in wanted]


@pytest.mark.parametrize("gzipped", [True, False])
def test_texts_of_many_lines_come_back_wherever_a_batch_ends(tmp_path: Path, gzipped: bool) -> None:
    """Millions of lines that look like rows of their own."""
    line = f'7,7,{SUMMARY},"'
    rows = [(str(i), "5", SUMMARY if i % 7 else "ECG", f"{line}\n" * (1 + i % 997)) for i in range(3_000)]
    body = as_csv(rows)
    assert body.count(b"\n") > 1_000_000
    (tmp_path / f"NOTEEVENTS.csv{'.gz' if gzipped else ''}").write_bytes(gzip.compress(body, 1) if gzipped else body)
    with notes(tmp_path, "noteevents", where={"category": [SUMMARY]}) as found:
        wanted = [row for row in rows if row[2] == SUMMARY]
        assert found.rows == len(rows)
        assert found.frame["row_id"].to_list() == [row[0] for row in wanted]
        assert all(found.text(i) == row[3] for i, row in enumerate(wanted))


def test_a_category_within_a_text_is_no_category(tmp_path: Path) -> None:
    rows = [("1", "5", "ECG", f"see {SUMMARY}"), ("2", "5", SUMMARY, 'a "quote",\n\nand lines')]
    (tmp_path / "noteevents.csv").write_bytes(as_csv(rows))
    with notes(tmp_path, "noteevents", where={"category": [SUMMARY]}) as found:
        assert found.frame["row_id"].to_list() == ["2"]
        assert found.text(0) == 'a "quote",\n\nand lines'


def test_a_category_without_quotes_or_in_another_place_is_found(tmp_path: Path) -> None:
    (tmp_path / "noteevents.csv").write_bytes(
        b"\xef\xbb\xbfCATEGORY,HADM_ID,TEXT\nDischarge summary,5,one\r\nECG,6,two\n"
        b'"Discharge summary",,"Discharge summary"\nECG,7,Discharge summary\n'
    )
    with notes(tmp_path, "noteevents", where={"category": [SUMMARY]}) as found:
        assert found.rows == 4
        assert found.frame["hadm_id"].to_list() == ["5", None]
        assert [found.text(0), found.text(1)] == ["one", SUMMARY]


def test_an_empty_value_is_missing_unless_it_stands_in_quotes(tmp_path: Path) -> None:
    (tmp_path / "noteevents.csv").write_bytes(b'ROW_ID,HADM_ID,TEXT\n1,,one\n2,"",two\n"3""x","a\nb",\n')
    with notes(tmp_path, "noteevents") as found:
        assert found.frame.rows() == [("1", None), ("2", ""), ('3"x', "a\nb")]
        assert found.text(2) == ""


def test_texts_may_stand_in_any_column(tmp_path: Path) -> None:
    (tmp_path / "noteevents.csv").write_bytes(b"TEXT,ROW_ID\none,1\n")
    with notes(tmp_path, "noteevents") as found:
        assert found.text(0) == "one"


def test_rows_by_many_values(tmp_path: Path) -> None:
    (tmp_path / "noteevents.csv").write_bytes(as_csv([(str(i), "5", "ECG", f"text {i}") for i in range(50)]))
    wanted = {str(i) for i in range(0, 50, 3)}
    with notes(tmp_path, "noteevents", where={"row_id": wanted}) as found:
        assert set(found.frame["row_id"]) == wanted
        assert found.text(1) == "text 3"


@pytest.mark.parametrize("name", ["D_ITEMS.csv", "d_items.csv.gz", "hosp/d_items.csv", "icu/D_ITEMS.csv.gz"])
def test_a_table_is_found_by_any_of_its_names(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    body = b'"ROW_ID","CODE"\n1,"0031"\n2,\n'
    path.write_bytes(gzip.compress(body) if path.suffix == ".gz" else body)
    frame = small_table(tmp_path, "d_items", ["code"])
    assert frame.columns == ["code"]
    assert frame["code"].to_list() == ["0031", None]
    (said,) = source_files(tmp_path, ["d_items"]).values()
    assert said.startswith(f"{path.name}, {path.stat().st_size:,} bytes, CRC-32 ")


def test_columns_come_in_the_order_asked_for(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"A,B,C\n1,2,3\n")
    assert small_table(tmp_path, "t", ["c", "a"]).rows() == [("3", "1")]
    with pytest.raises(InputError, match="no column 'hadm_id'"):
        small_table(tmp_path, "t", ["hadm_id"])


@pytest.mark.parametrize(
    ("table", "address"),
    [
        ("noteevents", "mimiciii/1.4"),
        ("discharge", "mimic-iv-note"),
        ("diagnoses_icd", "physionet.org/content/mimiciv"),
    ],
)
def test_a_missing_table_says_where_it_is_to_be_had(tmp_path: Path, table: str, address: str) -> None:
    with pytest.raises(InputError, match=f"The table {table} is not in .*{address}"):
        raw.find(tmp_path, table)
    with pytest.raises(InputError, match="no folder"):
        raw.find(tmp_path / "elsewhere", table)


@pytest.mark.parametrize(
    ("holds", "said", "not_said"),
    [
        ("ADMISSIONS.csv", "mimiciii/1.4", "mimiciv"),
        ("hosp/admissions.csv", "mimiciv", "mimiciii"),
        ("notes.txt", "mimiciii/1.4.*and of MIMIC-IV", "note/"),
    ],
)
def test_the_release_is_that_which_the_folder_looks_like(tmp_path: Path, holds: str, said: str, not_said: str) -> None:
    (tmp_path / holds).parent.mkdir(exist_ok=True)
    (tmp_path / holds).write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=said) as raised:
        raw.find(tmp_path, "diagnoses_icd")
    assert f"physionet.org/content/{not_said}" not in str(raised.value)


def test_a_file_that_was_cut_short_is_never_taken_for_all(tmp_path: Path) -> None:
    body = as_csv([(str(i), "5", SUMMARY, f"text {i} " * 50) for i in range(500)])
    path = tmp_path / "NOTEEVENTS.csv.gz"
    whole = gzip.compress(body)
    for damaged, message in (
        (whole[: len(whole) // 2], "cut short"),
        (whole[:-4], "cut short"),
        (whole[:-8] + b"12345678", "damaged"),
        (body, "damaged"),
        (b"", "cut short"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=message):
            notes(tmp_path, "noteevents")
    path.unlink()
    (tmp_path / "NOTEEVENTS.csv").write_bytes(body[:-30])
    with pytest.raises(InputError, match="not complete"):
        notes(tmp_path, "noteevents")


@pytest.mark.parametrize("cut", [b"77", b"77,100118,2,", b'77,"a,b""c,"', b'77,100118,"a'])
def test_a_plain_file_that_was_cut_within_a_row_is_never_taken_for_all(tmp_path: Path, cut: bytes) -> None:
    path = tmp_path / "DIAGNOSES_ICD.csv"
    whole = b'"ROW_ID","SUBJECT_ID","HADM_ID","SEQ_NUM","ICD9_CODE"\n1,77,100118,1,"4019"\n'
    path.write_bytes(whole + cut)
    with pytest.raises(InputError, match="not complete"):
        small_table(tmp_path, "diagnoses_icd", ["hadm_id", "icd9_code"])
    # What lacks nothing but the line end is whole.
    for rows, last in ((b'2,"77,1",100118,2,', None), (b"2,77,100118,2,0031", "0031")):
        path.write_bytes(whole + rows)
        frame = small_table(tmp_path, "diagnoses_icd", ["hadm_id", "icd9_code"])
        assert frame["icd9_code"].to_list() == ["4019", last]


def test_a_quote_that_is_never_closed_is_an_error(tmp_path: Path) -> None:
    body = as_csv([]) + b'1,5,"ECG","secret' + b" text\n" * 5000
    (tmp_path / "NOTEEVENTS.csv.gz").write_bytes(gzip.compress(body))
    with pytest.raises(InputError, match="does not fit the header"):
        notes(tmp_path, "noteevents")


def test_several_gzip_streams_in_one_file(tmp_path: Path) -> None:
    body = as_csv([("1", "5", SUMMARY, "one"), ("2", "5", SUMMARY, "two")])
    (tmp_path / "NOTEEVENTS.csv.gz").write_bytes(gzip.compress(body[:40]) + gzip.compress(body[40:]))
    with notes(tmp_path, "noteevents") as found:
        assert [found.text(0), found.text(1)] == ["one", "two"]


def test_the_demo_versions_have_no_notes(tmp_path: Path) -> None:
    (tmp_path / "NOTEEVENTS.csv").write_bytes(as_csv([]))
    with pytest.raises(InputError, match="demo versions of MIMIC come without"):
        notes(tmp_path, "noteevents", where={"category": [SUMMARY]})


def test_no_text_of_a_note_in_an_error(tmp_path: Path) -> None:
    (tmp_path / "NOTEEVENTS.csv").write_bytes(as_csv([]) + b'1,2,"ECG","secret" and more,too,many\n')
    with pytest.raises(InputError) as error:
        notes(tmp_path, "noteevents")
    assert "secret" not in str(error.value)
    assert error.value.__suppress_context__ or error.value.__context__ is None
