"""Parts of coders that ask a language model questions about a note, answered yes or no (nn/asking/yes_no.py)."""
