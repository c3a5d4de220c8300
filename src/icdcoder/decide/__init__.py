"""From scores to codes: thresholds."""
