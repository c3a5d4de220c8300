from __future__ import annotations

import csv
import random
import warnings
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icdcoder.core.code import Code
from icdcoder.core.errors import InputError
from icdcoder.core.label_space import LabelSpace
from icdcoder.corpora._mimic import labels
from icdcoder.corpora._mimic.labels import as_untyped_column, at_least, iii_labels, iv_labels, reference_dot


def iii(*rows: tuple[str, str | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"hadm_id": pl.String, "icd9_code": pl.String}, orient="row")


def iv(*rows: tuple[str, str, str]) -> pl.DataFrame:
    schema = {"hadm_id": pl.String, "icd_code": pl.String, "icd_version": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def values(found: labels.Labels, name: str) -> list[str]:
    return [str(code) for code in found.codes[name]]


@pytest.mark.parametrize(
    ("raw", "diagnosis", "procedure"),
    [("0031", "003.1", "00.31"), ("486", "486", "48.6"), ("25000", "250.00", None), ("V5861", "V58.61", None),
     ("V10", "V10", None), ("E8788", "E878.8", None), ("E860", "E860", None), ("34", None, "34"),
     ("9390", "939.0", "93.90"), ("0407", "040.7", "04.07")],
)  # fmt: skip
def test_a_correct_code_keeps_its_zeros_and_has_the_dot_of_its_system(
    raw: str, diagnosis: str | None, procedure: str | None
) -> None:
    got = iii_labels(iii(("1", raw)), iii(("1", raw)), loader="correct")
    expected = [Code("icd9cm", diagnosis)] if diagnosis else []
    expected += [Code("icd9pcs", procedure)] if procedure else []
    assert list(got.codes["1"]) == expected
    assert sum(got.dropped.values()) == 2 - len(expected)


DIAGNOSES = st.one_of(
    st.from_regex(r"[0-9]{3,5}", fullmatch=True, alphabet=st.sampled_from("0123456789")),
    st.from_regex(r"V[0-9]{2,4}", fullmatch=True, alphabet=st.sampled_from("V0123456789")),
    st.from_regex(r"E[0-9]{3,4}", fullmatch=True, alphabet=st.sampled_from("E0123456789")),
)
PROCEDURES = st.from_regex(r"[0-9]{2,4}", fullmatch=True, alphabet=st.sampled_from("0123456789"))


@settings(deadline=None)
@given(DIAGNOSES, PROCEDURES)
def test_a_correct_code_without_its_dot_is_the_raw_code(diagnosis: str, procedure: str) -> None:
    got = iii_labels(iii(("1", diagnosis)), iii(("1", procedure)), loader="correct").codes["1"]
    assert [code.value.replace(".", "") for code in got] == [diagnosis, procedure]
    assert [code.system for code in got] == ["icd9cm", "icd9pcs"]
    assert got[0].value.find(".") in ({4} if diagnosis[0] == "E" else {3}) | {-1}
    assert got[1].value.find(".") in {2, -1}
    assert not any(code.value.endswith(".") for code in got)


@settings(deadline=None)
@given(DIAGNOSES)
def test_both_loaders_agree_on_diagnoses_as_long_as_one_is_no_number(diagnosis: str) -> None:
    table, none = iii(("1", diagnosis), ("1", "V5861")), iii()
    correct = iii_labels(table, none, loader="correct").codes
    assert iii_labels(table, none, loader="caml", noted={"1"}).codes == correct


@settings(deadline=None)
@given(PROCEDURES)
def test_the_reference_loses_the_leading_zeros_of_procedures(procedure: str) -> None:
    got = iii_labels(iii(("1", "V5861")), iii(("1", procedure)), loader="caml", noted={"1"}).codes["1"][1]
    number = str(int(procedure))
    assert got == Code("icd9pcs", f"{number[:2]}.{number[2:]}")
    assert got.value.replace(".", "").startswith("0") == (int(procedure) == 0)


def test_damaged_codes_are_not_repaired_and_a_block_decides() -> None:
    assert as_untyped_column(["93.90", "66.", None, "276.50"]) == ["93.9", "66.0", None, "276.5"]
    assert as_untyped_column(["93.90", "V58.61", "93.90", "52."], block=2) == ["93.90", "V58.61", "93.9", "52.0"]
    assert as_untyped_column(["0407", "3893"]) == ["407", "3893"]
    assert as_untyped_column(["0407", None], block=2) == ["407.0", None]
    assert as_untyped_column(["04", "05", "06", None], block=2) == ["4.0", "5.0", "6.0", None]
    assert [reference_dot(c, False) for c in ("34", "407", "66", "1")] == ["34.", "40.7", "66.", "1."]
    assert [reference_dot(c, True) for c in ("E8788", "E860", "25000", "486", "V10")] == [
        "E878.8", "E860", "250.00", "486", "V10",
    ]  # fmt: skip


def _as_the_reference(
    folder: Path, diagnoses: pl.DataFrame, procedures: pl.DataFrame, noted: set[int]
) -> dict[int, list[str]]:
    """The steps of the reference's notebook, written anew with the library that did the damage."""
    pandas = pytest.importorskip("pandas")
    tables = {}
    for name, table in (("d", diagnoses), ("p", procedures)):
        full = table.select(
            pl.int_range(pl.len()).alias("ROW_ID"), pl.lit(1).alias("SUBJECT_ID"), pl.col("hadm_id").alias("HADM_ID"),
            pl.lit(1).alias("SEQ_NUM"), pl.col("icd9_code").alias("ICD9_CODE"),
        )  # fmt: skip
        full.write_csv(folder / f"{name}.csv", quote_style="non_numeric")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tables[name] = pandas.read_csv(folder / f"{name}.csv")
        tables[name]["code"] = [reference_dot(str(c), name == "d") for c in tables[name]["ICD9_CODE"]]
    both = pandas.concat([tables["d"], tables["p"]])
    with (folder / "filtered.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["SUBJECT_ID", "HADM_ID", "ICD9_CODE", "ADMITTIME", "DISCHTIME"])
        for name, code in zip(both["HADM_ID"], both["code"], strict=True):
            if name in noted:
                writer.writerow([1, name, code, "", ""])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = pandas.read_csv(folder / "filtered.csv", index_col=None)
    again.to_csv(folder / "filtered.csv", index=False)
    found: dict[int, list[str]] = {}
    with (folder / "filtered.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["ICD9_CODE"]:
                found.setdefault(int(row["HADM_ID"]), []).append(row["ICD9_CODE"])
    return found


def test_the_damage_is_that_of_the_reference_row_by_row(tmp_path: Path) -> None:
    """Enough rows for several blocks: one of text, one mixed, one of procedures alone."""
    draw = random.Random(3)
    ids = [str(i) for i in range(100_000, 100_600)]
    noted = set(draw.sample(ids, 550))
    some = ["25000", "4280", "V5861", "E8788", "486", "0389", "27650", "2765", None]
    d = iii(*((draw.choice(ids), draw.choice(some)) for _ in range(150_000)))
    p = iii(
        *(
            (draw.choice(ids), draw.choice(["9390", "0066", "0407", "34", "3893", "5200", "7770"]))
            for _ in range(240_000)
        )
    )
    reference = _as_the_reference(tmp_path, d, p, {int(name) for name in noted})
    ours = iii_labels(d, p, loader="caml", noted=noted)
    assert {int(name): [c.value for c in codes] for name, codes in ours.codes.items()} == {
        name: list(dict.fromkeys(codes)) for name, codes in reference.items()
    }
    counted = Counter(code for codes in reference.values() for code in codes)
    assert Counter({code.value: count for code, count in ours.counts.items()}) == counted
    # A code in two spellings, because it stands in blocks of two kinds.
    assert {"93.90", "93.9", "66.", "66.0", "40.7", "276.50", "276.5"} <= set(counted)
    assert not any(code.value.startswith("0") for code in ours.counts if code.system == "icd9pcs")


def test_rows_of_admissions_without_a_summary_are_counted_by_both_loaders() -> None:
    diagnoses, procedures = iii(("1", "4019"), ("2", "4019"), ("2", "486")), iii(("3", "3893"))
    dropped = [iii_labels(diagnoses, procedures, loader=x, noted={"1"}).dropped for x in ("correct", "caml")]
    assert dropped == [{"code rows of admissions without a discharge summary": 3}] * 2


def test_the_reference_without_admissions_is_refused() -> None:
    with pytest.raises(InputError, match="with a discharge summary"):
        iii_labels(iii(), iii(), loader="caml")


def test_duplicates_count_for_the_most_frequent_only() -> None:
    d = iii(("1", "4019"), ("1", "4019"), ("2", "4280"), ("3", "4280"), ("3", "4019"), ("9", "4019"), ("1", None))
    got = iii_labels(d, iii(), loader="correct", noted={"1", "2", "3"})
    assert values(got, "1") == ["icd9cm:401.9"]
    assert got.top(1) == (Code("icd9cm", "401.9"),)
    assert got.counts[Code("icd9cm", "401.9")] == 3
    assert got.dropped == {
        "code rows that repeat a code of the admission": 1,
        "code rows of admissions without a discharge summary": 1,
        "code rows without a code": 1,
    }


def test_categories_are_read_as_the_text_they_stand_for() -> None:
    d = iv(("2", "I10", "10"), ("1", "E119", "10"), ("1", "0031", "9"), ("2", "", "10"), ("1", "E119", "10"))
    p = iv(("1", "02HV33Z", "10"), ("3", "I10", "10"))
    as_text = iv_labels(d, p, version=10, noted={"1", "2"})
    as_categories = iv_labels(d.cast(pl.Categorical), p.cast(pl.Categorical), version=10, noted={"1", "2"})
    assert as_categories == as_text
    assert list(as_text.codes) == ["2", "1"]
    assert values(as_text, "1") == ["icd10cm:E11.9", "icd10pcs:02HV33Z"]


def test_versions_of_mimic_iv_are_kept_apart() -> None:
    d = iv(("1", "0031", "9"), ("1", "I10", "10"), ("1", "E119", "10"))
    p = iv(("1", "0031", "9"), ("1", "02HV33Z", "10"))
    assert values(iv_labels(d, p, version=9), "1") == ["icd9cm:003.1", "icd9pcs:00.31"]
    assert values(iv_labels(d, p, version=10), "1") == ["icd10cm:I10", "icd10cm:E11.9", "icd10pcs:02HV33Z"]


def test_rare_codes_go_and_admissions_with_them() -> None:
    d = iii(("1", "4019"), ("2", "4019"), ("2", "486"), ("3", "486"), ("4", "0389"))
    got = at_least(iii_labels(d, iii(), loader="correct"), 2)
    assert set(got.codes) == {"1", "2", "3"}
    assert got.dropped["codes of fewer than 2 admissions"] == 1
    assert got.dropped["admissions without a code after that"] == 1
    assert labels.restricted(got, [Code("icd9cm", "486")]) == {
        "2": (Code("icd9cm", "486"),),
        "3": (Code("icd9cm", "486"),),
    }


def test_damaged_codes_pass_through_a_label_space_as_they_are(tmp_path: Path) -> None:
    damaged = [Code("icd9pcs", value) for value in ("1.", "40.7", "52.0", "66.", "93.9", "93.90")]
    LabelSpace(damaged).save(tmp_path / "space.json")
    assert list(LabelSpace.load(tmp_path / "space.json")) == damaged
