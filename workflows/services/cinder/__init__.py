"""cinder: volumes that can be attached to servers."""
