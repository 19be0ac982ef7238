"""Tables for people, on rich like the progress."""
