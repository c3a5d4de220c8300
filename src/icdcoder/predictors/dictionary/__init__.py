"""Parts of the dictionary coder: its terms, the compiled dictionary, mentions in a note, and their scoring."""
