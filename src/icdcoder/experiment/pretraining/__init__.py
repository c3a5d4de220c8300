"""Pretraining: a small language model from plain text, in the folder format of Hugging Face."""
