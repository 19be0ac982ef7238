"""A configuration file of a service."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A configuration file that a component declares so that users can see it; ``file`` is its path below ``Paths.etc``."""

    file: str
