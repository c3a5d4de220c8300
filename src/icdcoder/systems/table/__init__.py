"""What every code system stands on: the contract, the table behind it, its store, and the rules of spelling."""
