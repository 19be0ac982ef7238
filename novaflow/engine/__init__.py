"""Performs the actions of a plan in task groups."""
