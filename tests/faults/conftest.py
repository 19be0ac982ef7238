"""The small stack that faults are injected into; it is the one of the system tests."""

from tests.system.conftest import anyio_backend, port, toy

__all__ = ["anyio_backend", "port", "toy"]
