"""Codes that are read off a note by patterns and tables, theme by theme, and not found by wordings."""
