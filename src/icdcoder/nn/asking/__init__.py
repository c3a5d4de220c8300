"""Language models that answer questions about a note."""
