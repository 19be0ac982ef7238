"""The outside: one library or system a file."""
