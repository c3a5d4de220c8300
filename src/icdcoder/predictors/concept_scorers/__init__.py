"""Scorers of concepts: one file a way to say which concepts a note supports (the contract: predictors/concept.py)."""
