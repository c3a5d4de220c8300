"""Parts of coders: a small network over words whose labels are concepts, codes, or what stands above codes."""
