"""Names of weights in the authors' own code, one file a model: `rename(names)` gives for each our name, or None where
a weight has no part in the scores. BY_CODE: what our names begin with that have one row a code; not said: those of the
label attention. put_together: makes of their weights one a name of PATTERNS, where they are cut otherwise.

NAMED: what our names begin with that have a row (0) or a column (1) for each of a third list of names, told by NAMES;
rows: for each of ours the number of theirs; MORE_ROWS: how many theirs have beside those. KEPT: what our names begin
with that the file need not have. require: raises ConfigError where the model is not configured as the file needs it.

UNKNOWN: where the row of the unknown word stands. "first": padding, unknown, words; "last": padding, words, unknown;
"behind": words, unknown, padding, a mask. None: the rows are those of a tokenizer."""
