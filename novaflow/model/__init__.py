"""What a workflow is: frozen values, no I/O, no clock."""
