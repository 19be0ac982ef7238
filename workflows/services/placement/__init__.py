"""placement: the inventory and usage of resources of each host."""
