"""OpenStack: the workflows and components of novaflow."""
