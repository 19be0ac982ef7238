"""Conflicts between the requirements of a source tree and the pinned releases."""

from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name


def find_conflicts(requirements: str, pins: dict[str, str]) -> tuple[str, ...]:
    """Return one line for each requirement that the pinned releases do not meet; ``pins`` maps names to versions."""
    return tuple(_find_conflicts(requirements, {canonicalize_name(name): version for name, version in pins.items()}))


def _find_conflicts(requirements: str, pins: dict[NormalizedName, str]) -> Iterator[str]:
    for line in requirements.splitlines():
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            yield f"{text}: {error}"
            continue
        if requirement.marker and not requirement.marker.evaluate():
            continue
        pinned = pins.get(canonicalize_name(requirement.name))
        if pinned is None:
            yield f"{requirement.name}{requirement.specifier} is required and not among the pinned releases"
        elif not requirement.specifier.contains(pinned, prereleases=True):
            yield f"{requirement.name}{requirement.specifier} is required, {pinned} is pinned"
