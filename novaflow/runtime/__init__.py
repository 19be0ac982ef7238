"""The application: every operation on a stack, without arguments and output."""
