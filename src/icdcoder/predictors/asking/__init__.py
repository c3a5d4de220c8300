"""Parts of coders that ask a language model questions about a note, answered yes or no (nn/yes_no.py)."""
