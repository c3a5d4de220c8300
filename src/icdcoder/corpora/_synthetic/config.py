"""The knobs of the synthetic corpus."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from icdcoder.core.config import Settings


class Config(Settings):
    """Shares lie in [0, 1]; "mean" numbers vary from note to note.

    The same settings give the same bytes everywhere, and more `documents` only adds documents at the end.
    """

    documents: int = Field(default=1500, ge=1)
    seed: int = 0
    validation: float = Field(default=0.1, ge=0, lt=1)
    test: float = Field(default=0.2, ge=0, lt=1)
    admissions_per_patient: float = Field(default=1.3, ge=1, le=20)  # mean

    # "icd9": diagnoses and procedures of ICD-9-CM; "icd10": ICD-10-CM and ICD-10-PCS.
    systems: Literal["icd9", "icd10"] = "icd9"
    # How many conditions and procedures there are; None takes all that icdcoder has expressions for.
    codes: int | None = Field(default=60, ge=2)
    codes_per_note: float = Field(default=8, ge=1, le=40)  # mean; spread as in MIMIC
    zipf: float = Field(default=0.7, ge=0, le=3)  # the r-th most common is drawn with weight r^-zipf
    cooccurrence: float = Field(default=1.0, ge=0, le=3)  # 0: codes are independent

    abbreviation_share: float = Field(default=0.35, ge=0, le=1)  # of the mentions
    indirect_share: float = Field(default=0.12, ge=0, le=1)  # of a note's codes: told by drugs, values, findings only
    distractors: float = Field(default=3, ge=0, le=30)  # mean: conditions that a note denies, or gives to a relative
    held_out_expressions: float = Field(default=0.2, ge=0, le=0.8)  # of each code's expressions: in test notes only
    held_out_share: float = Field(default=0.25, ge=0, le=1)  # of a test note's codes: told by held-out ones only

    # Mean length of a note that is not late; a note with many codes takes the words it needs.
    words: int = Field(default=400, ge=100, le=20_000)
    late_share: float = Field(default=0.1, ge=0, le=1)  # of the notes: some codes told only after …
    late_after_tokens: int = Field(default=512, ge=0, le=20_000)  # … so many words
    typo_rate: float = Field(default=0.002, ge=0, le=0.2)  # of the words around the mentions

    @model_validator(mode="after")
    def _leaves_training(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together leave nothing for training")
        return self
