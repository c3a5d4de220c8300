"""Second stages of coders over concepts: from concept scores and the note to codes (predictors/concept_stages.py)."""
