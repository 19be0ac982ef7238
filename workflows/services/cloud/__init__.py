"""The cloud as its users see it: what it offers after the start, and the deletion of everything in it."""
