"""Files of a stack."""
