"""Parts of the dictionary coder: its terms, the compiled dictionary, and mentions in a note; read_off/ for codes that
patterns find, candidates/ for what is decided over all codes of a note."""
