"""One file a way of cutting text into tokens and numbering them; see `text/reader.py` for the contract."""
