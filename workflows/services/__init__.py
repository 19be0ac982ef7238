"""OpenStack services, one package per project."""
