"""Detects the distribution of this machine."""

import platform
from collections.abc import Mapping
from dataclasses import replace

from novaflow.errors import MachineError
from workflows.platform.debian import DEBIAN, RELEASES, UBUNTU
from workflows.platform.distribution import Distribution

FAMILIES: Mapping[str, Distribution] = {"debian": DEBIAN, "ubuntu": UBUNTU}  # by ID and ID_LIKE of os-release(5)


def read_os_release() -> Mapping[str, str]:
    """Return the fields of os-release(5); empty if the file does not exist."""
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def find_distribution(os_release: Mapping[str, str] | None = None) -> Distribution:
    """Return the distribution that os-release describes; ``None`` means this machine's file.

    Raises: MachineError, if novaflow does not support it.
    """
    fields = read_os_release() if os_release is None else os_release
    name = fields.get("PRETTY_NAME", "an unknown system")
    families = (FAMILIES.get(family) for family in (fields.get("ID", ""), *fields.get("ID_LIKE", "").split()))
    found = RELEASES.get((fields.get("ID", ""), fields.get("VERSION_ID", ""))) or next(filter(None, families), None)
    if found is None:
        raise MachineError(f"{name} is not supported; use Debian 12 or newer, or Ubuntu 24.04 or newer")
    return replace(found, name=name)
