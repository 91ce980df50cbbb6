"""What the toolkit keeps of its own accord, and removing it."""
