"""keystone."""
