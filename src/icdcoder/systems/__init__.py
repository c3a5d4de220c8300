"""Code systems: one file a system; hierarchy, descriptions, billable or not, edition, mapping."""
