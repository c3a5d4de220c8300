"""Raw tables in the shape of MIMIC-III or MIMIC-IV, at any size, with nothing of any patient in them.

    python -m benchmarks.fake_mimic FOLDER --notes 200000 [--version 4] [--plain] [--seed 1]
    python -m benchmarks.fake_mimic FOLDER --gigabytes 1

--notes counts rows of the note table, --gigabytes its uncompressed size. The codes are real, drawn with a long tail;
the text is lines of made-up words, drawn from a pool, with the marks of de-identification, numbers, line ends, commas
and doubled quotes in it. What trips readers is planted on purpose; `traps` lists it. `splits/` holds id lists in the
form of CAML that fit the admissions.
"""

from __future__ import annotations

import argparse
import gzip
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import TextIO

CATEGORIES = (
    *("Radiology", "Nursing", "Nursing/other", "ECG", "Physician ", "Echo", "Respiratory ", "Nutrition", "General"),
    *("Rehab Services", "Social Work", "Case Management ", "Pharmacy", "Consult"),
)
NOTE_COLUMNS = {
    3: "ROW_ID SUBJECT_ID HADM_ID CHARTDATE CHARTTIME STORETIME CATEGORY DESCRIPTION CGID ISERROR TEXT",
    4: "note_id subject_id hadm_id note_type note_seq charttime storetime text",
}
# One row in so many is a discharge summary in MIMIC-III, as there are 59,652 among 2,083,180.
ROWS_PER_SUMMARY = 35
LINES = {"summary": 150, "other": 18}
# Shares of MIMIC-IV's admissions: coded in ICD-9; of these, also in ICD-10 (seven in all, here a few in a hundred).
OLD, OF_BOTH = 0.6, 0.02
TYPICAL_BYTES = {3: 1530, 4: 9450}  # of a row of the note table

traps = (
    "codes with leading zeros (0031 as a diagnosis, 0031 and 0407 as procedures), E, V and three-character codes",
    "a code twice in an admission; empty codes; diagnosis and procedure of the same digits",
    "admissions with a summary and no codes; admissions with codes and no summary",
    "addenda before their reports, and far from them; several admissions of one patient; notes without an admission",
    "of version 4: admissions of ICD-9 and some of both versions; a second note, and one that repeats the first",
    "line ends, commas and doubled quotes in the text; 'Discharge summary' in the text of other categories; é",
)


@dataclass
class Admission:
    subject: int
    number: int
    diagnoses: list[str] = field(default_factory=list)
    procedures: list[str] = field(default_factory=list)
    noted: bool = True
    # Of version 4: codes of ICD-9 (`diagnoses` and `procedures` are of ICD-10).
    old_diagnoses: list[str] = field(default_factory=list)
    old_procedures: list[str] = field(default_factory=list)

    def rows(self, kind: str, version: int) -> list[tuple[str, int]]:
        """(code, version of ICD) of "diagnoses" or "procedures"."""
        now = [(code, 10 if version == 4 else 9) for code in getattr(self, kind)]
        return now + [(code, 9) for code in getattr(self, f"old_{kind}")]


@dataclass
class Made:
    """What was written, so that a test can count. summaries: rows of reports and addenda with an admission."""

    folder: Path
    admissions: list[Admission]
    note_rows: int = 0
    summaries: int = 0


class Writer:
    """Makes text and codes from one seed."""

    def __init__(self, version: int, seed: int) -> None:
        self.version = version
        self.random = random.Random(seed)
        draw = self.random
        letters = "etaoinshrdlucmfypgbvkwxjzq"
        weights = list(accumulate(1 / (i + 2) for i in range(26)))
        words = [
            "".join(draw.choices(letters, cum_weights=weights, k=draw.choice((2, 3, 4, 5, 6, 7, 8, 9, 11))))
            for _ in range(40_000)
        ]
        long_tail = list(accumulate(1 / (i + 3) for i in range(len(words))))
        self.words = words
        self.lines = [
            self._line(draw.choices(words, cum_weights=long_tail, k=draw.randint(4, 14))) for _ in range(20_000)
        ]
        self.codes = _codes(version)
        self.code_weights = {
            key: list(accumulate(1 / (i + 5) for i in range(len(values)))) for key, values in self.codes.items()
        }

    def _line(self, words: list[str]) -> str:
        draw = self.random
        line = " ".join(words).capitalize()
        kind = draw.random()
        if kind < 0.2:
            line += f" {draw.randint(1, 500)} mg, {draw.randint(1, 9)}.{draw.randint(0, 9)}"
        elif kind < 0.3:
            line += (
                f" on [**21{draw.randint(10, 99)}-{draw.randint(1, 12)}-{draw.randint(1, 28)}**] at [**Hospital1 18**]"
            )
        elif kind < 0.34:
            line += ' and says ""better""'
        elif kind < 0.341:
            line = f"Discharge summary of {line}"
        return line + draw.choice((".", ":", ",", "", ";"))

    def text(self, kind: str) -> str:
        """Some lines of the pool and a few words of its own, so that the vocabulary grows as that of notes does."""
        draw = self.random
        lines = draw.choices(self.lines, k=max(2, int(draw.gauss(LINES[kind], LINES[kind] / 4))))
        for _ in range(len(lines) // 12):
            rare = draw.choice(self.words) + draw.choice(self.words)[:3]
            lines.append(f"{rare} {draw.randint(1, 2200)}")
        if draw.random() < 0.002:
            lines.append("Ménière’s at 37°C")
        return "\n".join(lines)

    def admission(self, subject: int, number: int) -> Admission:
        draw = self.random

        def some(key: str, most: int) -> list[str]:
            found = draw.choices(self.codes[key], cum_weights=self.code_weights[key], k=draw.randint(0, most))
            return [*found, found[0]] if len(found) > 2 and draw.random() < 0.1 else found

        made = Admission(subject, number, some("diagnoses", 22), some("procedures", 8))
        if self.version == 4 and draw.random() < OLD:
            made.old_diagnoses, made.old_procedures = some("old_diagnoses", 22), some("old_procedures", 8)
            if draw.random() >= OF_BOTH:
                made.diagnoses, made.procedures = [], []
                return made
        chance = draw.random()
        if chance < 0.01:
            made.diagnoses, made.procedures = [], []
        elif chance < 0.02:
            made.diagnoses += ["" if self.version == 3 else "4019", "4019"]
        made.noted = draw.random() < 0.9
        return made


def write(
    folder: Path,
    *,
    notes: int | None = None,
    gigabytes: float | None = None,
    version: int = 3,
    plain: bool = False,
    seed: int = 0,
) -> Made:
    """Writes the tables (gzipped, or plain) into `folder`. One of notes and gigabytes is needed."""
    if notes is None:
        notes = int((gigabytes or 0.001) * 1e9 / TYPICAL_BYTES[version])
    writer = Writer(version, seed)
    draw = writer.random
    count = max(4, notes // ROWS_PER_SUMMARY if version == 3 else notes)
    admissions, subject = [], 0
    while len(admissions) < count:
        subject += 1
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            admissions.append(writer.admission(subject, 100_000 + len(admissions)))
    for fixed, (diagnoses, procedures) in zip(admissions, _planted(version), strict=False):
        fixed.diagnoses, fixed.procedures, fixed.noted = diagnoses, procedures, True
        fixed.old_diagnoses, fixed.old_procedures = [], []
    if version == 4:
        both, old = admissions[1], admissions[2]
        both.old_diagnoses = ["4019"]
        old.diagnoses, old.procedures, old.noted = [], [], True
        old.old_diagnoses, old.old_procedures = ["0031", "V5861"], ["0031"]
    made = Made(folder, admissions)
    folder.mkdir(parents=True, exist_ok=True)
    _tables(made, version, plain)
    (_notes_iii if version == 3 else _notes_iv)(made, writer, notes, plain)
    _splits(made, draw, version)
    return made


def _planted(version: int) -> list[tuple[list[str], list[str]]]:
    """Codes of the first admissions."""
    if version == 4:
        return [(["I10", "E119"], ["02HV33Z"]), (["I10"], [])]
    return [(["0031", "4019", "V5861"], ["0031", "0407"]), (["25000", "E8788", "486"], ["9390", "3723"]), ([], [])]


@cache
def _codes(version: int) -> dict[str, list[str]]:
    from icdcoder import systems

    names = {"diagnoses": "icd9cm", "procedures": "icd9pcs"}
    if version == 4:
        names = {
            "diagnoses": "icd10cm",
            "procedures": "icd10pcs",
            **{f"old_{key}": name for key, name in names.items()},
        }
    found = {}
    for key, name in names.items():
        table = systems.load(name)
        codes = [code.value.replace(".", "") for code in table.billable()]
        random.Random(7).shuffle(codes)
        found[key] = codes
    return found


def _tables(made: Made, version: int, plain: bool) -> None:
    admissions = sorted(made.admissions, key=lambda a: (a.subject, a.number))
    for kind in ("diagnoses", "procedures"):
        name = f"{kind}_icd" if version == 4 else f"{kind.upper()}_ICD"
        with _table(made.folder, name, "hosp" if version == 4 else "", plain) as file:
            if version == 3:
                file.write('"ROW_ID","SUBJECT_ID","HADM_ID","SEQ_NUM","ICD9_CODE"\n')
            else:
                date = ",chartdate" if kind == "procedures" else ""
                file.write(f"subject_id,hadm_id,seq_num{date},icd_code,icd_version\n")
            row = 0
            for admission in admissions:
                for place, (code, icd) in enumerate(admission.rows(kind, version), start=1):
                    row += 1
                    if version == 3:
                        quoted = f'"{code}"' if code else ""
                        file.write(f"{row},{admission.subject},{admission.number},{place},{quoted}\n")
                    else:
                        date = ",2180-05-06" if kind == "procedures" else ""
                        file.write(f"{admission.subject},{admission.number},{place}{date},{code},{icd}\n")
    _small_tables(made, version, plain)


def _small_tables(made: Made, version: int, plain: bool) -> None:
    def spelt(text: str) -> str:
        return text.upper() if version == 3 else text

    inside = "hosp" if version == 4 else ""
    with _table(made.folder, spelt("admissions"), inside, plain) as file:
        file.write(spelt("subject_id,hadm_id,admittime,dischtime") + "\n")
        for admission in made.admissions:
            file.write(f"{admission.subject},{admission.number},2150-01-01 10:00:00,2150-01-09 10:00:00\n")
    with _table(made.folder, spelt("patients"), inside, plain) as file:
        file.write(spelt("subject_id,gender") + "\n")
        for subject in sorted({admission.subject for admission in made.admissions}):
            file.write(f"{subject},F\n")
    for kind in ("diagnoses", "procedures"):
        with _table(made.folder, spelt(f"d_icd_{kind}"), inside, plain) as file:
            file.write(
                "ROW_ID,ICD9_CODE,SHORT_TITLE,LONG_TITLE\n" if version == 3 else "icd_code,icd_version,long_title\n"
            )
            listed = [(code, 10) for code in _codes(version)[kind]]
            listed += [(code, 9) for code in _codes(version).get(f"old_{kind}", ())]
            for row, (code, icd) in enumerate(listed, start=1):
                title = f'"Title of {code}, ""long"""'
                file.write(f'{row},"{code}",short,{title}\n' if version == 3 else f"{code},{icd},{title}\n")


def _notes_iii(made: Made, writer: Writer, notes: int, plain: bool) -> None:
    """Summaries first, as in MIMIC-III, then the other categories."""
    draw = writer.random
    rows: list[tuple[Admission, str]] = []
    for admission in made.admissions:
        if admission.noted:
            rows.append((admission, "Report"))
            if draw.random() < 0.12:
                rows.insert(draw.randrange(max(0, len(rows) - 60), len(rows)), (admission, "Addendum"))
    with _table(made.folder, "NOTEEVENTS", "", plain) as file:
        file.write(",".join(f'"{name}"' for name in NOTE_COLUMNS[3].split()) + "\n")
        for row, (admission, kind) in enumerate(rows, start=1):
            file.write(
                f'{row},{admission.subject},{admission.number},2151-08-04,,,"Discharge summary","{kind}",,,'
                f'"Admission Date:  [**2151-7-16**]\n\n{writer.text("summary")}\n"\n'
            )
        made.summaries = len(rows)
        others = max(0, notes - len(rows))
        for row in range(len(rows) + 1, len(rows) + 1 + others):
            admission = draw.choice(made.admissions)
            stay = "" if draw.random() < 0.1 else admission.number
            file.write(
                f"{row},{admission.subject},{stay},2151-08-04,2151-08-04 12:30:00,2151-08-04 12:40:00,"
                f'"{draw.choice(CATEGORIES)}","Report",1532{row % 10},{"1" if row % 50 == 0 else ""},'
                f'"{writer.text("other")}"\n'
            )
        made.note_rows = len(rows) + others


def _notes_iv(made: Made, writer: Writer, notes: int, plain: bool) -> None:
    with _table(made.folder, "discharge", "note", plain) as file:
        file.write(NOTE_COLUMNS[4].replace(" ", ",") + "\n")
        for place, admission in enumerate(made.admissions):
            if not admission.noted:
                continue
            texts = [writer.text("summary")]
            if place == 2:  # coded in ICD-9 only
                texts *= 2
            elif place == 1 or writer.random.random() < 0.001:
                texts.append(writer.text("summary"))
            for text in texts[: notes - made.note_rows]:
                made.note_rows += 1
                file.write(
                    f"{admission.subject}-DS-{made.note_rows},{admission.subject},{admission.number},DS,{made.note_rows},"
                    f'2180-05-07 00:00:00,2180-05-09 15:26:00," \nName:  ___\n \n{text}\n"\n'
                )
        made.summaries = made.note_rows


def _splits(made: Made, draw: random.Random, version: int) -> None:
    """Lists of admissions in the form of CAML: by patient, 80, 10 and 10 in a hundred; the lists of 50 are a part.
    Those of MIMIC-IV lie where the repository of MIMIC-IV-ICD has its own."""
    part_of = {a.subject: draw.choices(("train", "dev", "test"), (8, 1, 1))[0] for a in made.admissions}
    if made.admissions:
        part_of[made.admissions[0].subject] = "train"
    for name in ("",) if version == 3 else ("mimic4_icd9", "mimic4_icd10"):
        folder = made.folder / "splits" / name
        folder.mkdir(parents=True, exist_ok=True)
        version_of = 9 if name.endswith("9") else 10
        kinds = ("diagnoses", "procedures")
        listed = [
            a
            for a in made.admissions
            if a.noted
            and (version == 3 or any(icd == version_of for kind in kinds for _, icd in a.rows(kind, version)))
        ]
        for part in ("train", "dev", "test"):
            ids = [str(a.number) for a in listed if part_of[a.subject] == part]
            for size, chosen in (("full", ids), ("50", ids[: len(ids) // 2])):
                (folder / f"{part}_{size}_hadm_ids.csv").write_text("".join(f"{i}\n" for i in chosen))


@contextmanager
def _table(folder: Path, name: str, inside: str, plain: bool) -> Iterator[TextIO]:
    place = folder / inside
    place.mkdir(parents=True, exist_ok=True)
    if plain:
        with (place / f"{name}.csv").open("w", encoding="utf-8", newline="\n") as file:
            yield file
    else:
        with gzip.open(place / f"{name}.csv.gz", "wt", compresslevel=1, encoding="utf-8", newline="\n") as file:
            yield file


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--notes", type=int)
    size.add_argument("--gigabytes", type=float)
    parser.add_argument("--version", type=int, choices=(3, 4), default=3)
    parser.add_argument("--plain", action="store_true", help="no gzip")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    made = write(
        asked.folder,
        notes=asked.notes,
        gigabytes=asked.gigabytes,
        version=asked.version,
        plain=asked.plain,
        seed=asked.seed,
    )
    print(f"{made.note_rows:,} notes, {made.summaries:,} summaries, {len(made.admissions):,} admissions")


if __name__ == "__main__":
    main()
