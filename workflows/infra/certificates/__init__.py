"""Certificates, which the stack's own authority signs."""
