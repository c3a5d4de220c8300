"""Parts of the generative coder: both answers of its model, and the rule that makes one of them."""
