"""Published systems: one paper, one file; Config (defaults = the paper's), the module, build()."""
