"""`verify`: checks of a running cloud from a user's point of view."""
