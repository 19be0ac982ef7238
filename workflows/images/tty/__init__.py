"""The tty image."""
