"""Candidates: the codes that mentions stand for, what speaks for each, and which of them give way to others."""
