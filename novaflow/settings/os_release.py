"""Reads os-release(5): which distribution this machine has."""

import platform
from collections.abc import Mapping


def read_os_release() -> Mapping[str, str]:
    """Return the fields of os-release(5); empty if the file does not exist."""
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}
