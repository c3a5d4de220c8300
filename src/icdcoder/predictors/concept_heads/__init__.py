"""Second stages of coders over concepts: from scores of concepts, and the note, to codes (predictors/concept.py)."""
