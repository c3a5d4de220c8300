"""How a language model is asked for codes, and how its answer is read: prompts, formats, parsing."""
