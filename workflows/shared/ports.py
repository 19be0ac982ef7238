"""Ports that more than one component speaks of."""

S3_PORT = 3333
