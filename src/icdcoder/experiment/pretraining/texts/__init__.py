"""Sources of text for pretraining: one file a source, each with Config and `texts(config) -> Iterator[str]`."""
