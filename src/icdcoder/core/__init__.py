"""The foundations: note, code, label space, prediction, configuration, components. No torch, no knowledge of ICD."""
