"""Detects the distribution of this machine."""

import platform
from collections.abc import Mapping
from dataclasses import replace

from novaflow.errors import MachineError
from novaflow.settings.os_release import read_os_release
from workflows.platform.debian import DEBIAN, RELEASES, UBUNTU
from workflows.platform.distribution import Distribution

FAMILIES: Mapping[str, Distribution] = {"debian": DEBIAN, "ubuntu": UBUNTU}  # by ID and ID_LIKE of os-release(5)


def find_distribution(os_release: Mapping[str, str] | None = None, machine: str | None = None) -> Distribution:
    """Return the distribution that os-release describes, for a processor by its name in uname(2); ``None`` means this machine's.

    Raises: MachineError, if novaflow does not support it.
    """
    fields = read_os_release() if os_release is None else os_release
    name = fields.get("PRETTY_NAME", "an unknown system")
    families = (FAMILIES.get(family) for family in (fields.get("ID", ""), *fields.get("ID_LIKE", "").split()))
    found = RELEASES.get((fields.get("ID", ""), fields.get("VERSION_ID", ""))) or next(filter(None, families), None)
    if found is None:
        raise MachineError(f"{name} is not supported; use Debian 12 or newer, or Ubuntu 24.04 or newer")
    names = found.names_by_processor.get(platform.machine() if machine is None else machine, {})
    return replace(found, name=name, package_names={**names, **found.package_names})
