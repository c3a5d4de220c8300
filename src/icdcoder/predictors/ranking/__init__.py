"""What the ranked coder stands on: a corpus's habits, the rows of its candidates, and boosted trees over them."""
