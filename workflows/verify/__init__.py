"""Checks of a running cloud."""
