"""Pure planning: facts in, actions out; no clock, no files, no async."""
