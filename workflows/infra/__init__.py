"""Infrastructure that OpenStack uses: databases, broker, switch, hypervisor, storage, directory."""
