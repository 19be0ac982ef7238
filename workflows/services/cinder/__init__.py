"""cinder."""
