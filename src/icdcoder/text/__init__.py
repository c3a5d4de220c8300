"""Text: cleaning with an offset map, sections, assertion, tokens with offsets, sampling to a budget."""
