"""What a source tree wants of its surroundings and does not find there."""

from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import NormalizedName, canonicalize_name


def find_conflicts(requirements: str, pins: dict[str, str]) -> tuple[str, ...]:
    """Return what a requirements file wants and the pinned releases do not give, a line each."""
    return tuple(_find_conflicts(requirements, {canonicalize_name(name): version for name, version in pins.items()}))


def _find_conflicts(requirements: str, pins: dict[NormalizedName, str]) -> Iterator[str]:
    for line in requirements.splitlines():
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            wanted = Requirement(text)
        except InvalidRequirement as error:
            yield f"{text}: {error}"
            continue
        if wanted.marker and not wanted.marker.evaluate():
            continue
        pinned = pins.get(canonicalize_name(wanted.name))
        if pinned is None:
            yield f"{wanted.name}{wanted.specifier} is wanted, and not among the releases"
        elif not wanted.specifier.contains(pinned, prereleases=True):
            yield f"{wanted.name}{wanted.specifier} is wanted, and {pinned} is what there is"
