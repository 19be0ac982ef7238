"""Infrastructure that OpenStack services use."""
