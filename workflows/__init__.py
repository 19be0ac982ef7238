"""OpenStack: everything that knows the word "nova"."""
