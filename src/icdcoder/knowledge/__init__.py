"""Knowledge about codes: descriptions, expressions, index terms."""
