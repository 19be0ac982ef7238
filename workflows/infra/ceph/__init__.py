"""ceph."""
