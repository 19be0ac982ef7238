"""The releases a stack is made of."""

from pathlib import Path

CONSTRAINTS = Path(__file__).parent.parent / "constraints" / "openstack.txt"
