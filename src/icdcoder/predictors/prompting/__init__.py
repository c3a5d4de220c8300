"""Parts of the prompted coder: prompts, strategies, reading of answers, checking of quotes."""
