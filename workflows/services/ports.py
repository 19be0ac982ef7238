"""Ports that more than one component speaks of."""

EC2_PORT = 8773
S3_PORT = 3333
