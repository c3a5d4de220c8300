"""Parts of the corpus codiesp."""
