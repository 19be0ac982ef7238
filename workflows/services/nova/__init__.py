"""nova: servers, on the hypervisor of this machine."""
