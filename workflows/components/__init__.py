"""One file for each thing an operator knows by name."""
