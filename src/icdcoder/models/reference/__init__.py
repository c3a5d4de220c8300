"""Names of weights in the authors' own code, one file a model: `rename(names)` gives for each our name, or None where
a weight has no part in the scores. UNKNOWN: where the row of the unknown word stands; the words' rows follow padding,
which is first."""
