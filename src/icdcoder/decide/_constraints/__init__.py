"""Parts of decide/constraints.py: one file a family of rules."""
