"""Anything that turns notes into predictions."""
