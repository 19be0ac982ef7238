"""What more than one component uses."""
