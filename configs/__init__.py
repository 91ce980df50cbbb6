"""The recipes that ship with the toolkit, one YAML file each."""
