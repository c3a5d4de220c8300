"""Measures, each named in full."""
