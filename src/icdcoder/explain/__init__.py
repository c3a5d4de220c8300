"""Evidence: which words of the note a score rests on."""
