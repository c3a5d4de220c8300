"""Claims of papers as experiments: arms that differ in what the claim is about, on equal data and an equal budget.

One TOML file in `tables` beside this a set of claims, named as `icdcoder reproduce NAME` asks for it.
"""
