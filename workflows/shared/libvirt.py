"""The stack's libvirt as everybody else sees it."""

from novaflow.model.component import Paths


def libvirt_url(paths: Paths) -> str:
    """Return the address of the stack's libvirt."""
    return f"qemu+unix:///system?socket={paths.run}/libvirt/libvirt-sock"
