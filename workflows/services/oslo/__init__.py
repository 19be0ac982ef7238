"""What OpenStack services have in common through the oslo libraries: configuration files, RPC and WSGI."""
