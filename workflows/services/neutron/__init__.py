"""neutron: the networks of servers."""
