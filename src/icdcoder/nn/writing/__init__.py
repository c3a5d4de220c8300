"""Language models that write codes: prompts, answers as tokens, decoding free and under the trie of the label space."""
