"""Training: the loop, the optimiser, checkpoints, the journal."""
