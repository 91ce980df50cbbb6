"""How fast the toolkit is, measured in turn with what people would otherwise use."""
