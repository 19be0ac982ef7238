"""The platform: the distribution, its packages and files, the Python environment, the kernel."""
