"""Corpora: one file a source of coded notes; each has Config and read(config)."""
