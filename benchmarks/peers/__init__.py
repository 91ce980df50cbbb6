"""What the toolkit is measured against."""
