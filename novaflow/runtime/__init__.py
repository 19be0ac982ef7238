"""The application: what commands do with a stack."""
