"""Addresses of source trees, as users write them."""

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from novaflow.errors import UsageError

NOVA = "https://opendev.org/openstack/nova"  # nova's own repository
EXPECTED = (
    "a git address (https://…, ssh://…, file:///…, NAME@HOST:PATH), optionally with #BRANCH-OR-TAG; "
    "a Bazaar address (lp:…, bzr://…); the folder of a checkout; pypi:nova==VERSION"
)
_GIT = re.compile(r"(https?|ssh|git|git\+ssh|file)://.+|[\w.-]+@[\w.-]+:.+")
_BAZAAR = re.compile(r"lp:.+|bzr(\+\w+)?://.+")
_PYPI = re.compile(r"pypi:nova==([\w.!+-]+)")


class Kind(Enum):
    """The kind of the place that a source tree is fetched from."""

    GIT = "git"
    BAZAAR = "bazaar"
    PYPI = "pypi"
    CHECKOUT = "checkout"


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a source tree; ``ref`` is a branch or tag, ``None`` means the default branch."""

    kind: Kind
    place: str
    ref: str | None = None

    @property
    def safe_place(self) -> str:
        """Return the place without user name and password."""
        return re.sub(r"(?<=://)[^/@]+@", "", self.place)

    @property
    def shown(self) -> str:
        """Return the whole address without user name and password."""
        before = "pypi:nova==" if self.kind is Kind.PYPI else ""
        return before + self.safe_place + (f"#{self.ref}" if self.ref else "")


def read_address(text: str) -> Address:
    """Parse the address of a source tree.

    Raises: UsageError, with the allowed forms.
    """
    if Path(text).is_dir():
        return Address(Kind.CHECKOUT, str(Path(text).absolute()))
    if found := _PYPI.fullmatch(text):
        return Address(Kind.PYPI, found[1])
    place, _, ref = text.partition("#")
    if _BAZAAR.fullmatch(place) or _is_bazaar_folder(place):
        return Address(Kind.BAZAAR, place)
    if _GIT.fullmatch(place):
        return Address(Kind.GIT, place, ref or None)
    raise UsageError(f"{text!r} is neither a folder nor the address of a source tree; allowed: {EXPECTED}")


def _is_bazaar_folder(place: str) -> bool:
    return place.startswith("file://") and Path(place.removeprefix("file://"), ".bzr").is_dir()
