"""Pretrained models from a checkpoint on disk: loading, long notes, quantised weights, cached states."""
