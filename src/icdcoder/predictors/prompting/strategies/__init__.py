"""Ways to ask for the codes of a note; each file is one, with `code(text, tools) -> Outcome`."""
