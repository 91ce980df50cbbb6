"""The trained models that ship with the toolkit, a bundle each."""
