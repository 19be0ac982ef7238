"""openvswitch."""
