"""Wiring: reads arguments, picks adapters, returns an exit code."""
