"""nova."""
