"""Small language models for pretraining: one file an architecture, each with Config and `describe(config)`."""
