"""Which sections of its notes a prepared corpus gives a model to read, beside the published statistics."""
