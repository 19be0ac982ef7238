"""Programs and processes."""
