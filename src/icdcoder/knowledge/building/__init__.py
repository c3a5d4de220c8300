"""Parts of the knowledge builder: questions, answers as models give them, what is kept of them."""
