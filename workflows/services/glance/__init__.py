"""glance."""
