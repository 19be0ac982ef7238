"""Settings of tests of properties: the same few examples in each run, and no limit of time that a busy machine could miss."""

from hypothesis import settings

few_examples = settings(max_examples=25, deadline=None, derandomize=True, database=None)
