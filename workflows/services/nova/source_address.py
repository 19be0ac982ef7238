"""Where a source tree comes from, as users write it."""

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from novaflow.errors import UsageError

NOVA = "https://opendev.org/openstack/nova"  # Nova's own repository
EXPECTED = (
    "a git address (https://…, ssh://…, file:///…, NAME@HOST:PATH), with #BRANCH-OR-TAG if wanted; "
    "a Bazaar address (lp:…, bzr://…); a checkout of yours (a folder); pypi:nova==VERSION"
)
_GIT = re.compile(r"(https?|ssh|git|git\+ssh|file)://.+|[\w.-]+@[\w.-]+:.+")
_BAZAAR = re.compile(r"lp:.+|bzr(\+\w+)?://.+")
_PYPI = re.compile(r"pypi:nova==([\w.!+-]+)")


class Kind(Enum):
    """What a source tree is, where it comes from."""

    GIT = "git"
    BAZAAR = "bazaar"
    PYPI = "pypi"
    CHECKOUT = "checkout"


@dataclass(frozen=True, slots=True)
class Address:
    """A source tree's address; ``ref`` is the branch or tag that is wanted, ``None`` the one its owner shows first."""

    kind: Kind
    place: str
    ref: str | None = None

    @property
    def safe_place(self) -> str:
        """Return the place as it may be shown to anybody: without who logs in, and the password."""
        return re.sub(r"(?<=://)[^/@]+@", "", self.place)

    @property
    def shown(self) -> str:
        """Return all of it as it may be shown to anybody."""
        before = "pypi:nova==" if self.kind is Kind.PYPI else ""
        return before + self.safe_place + (f"#{self.ref}" if self.ref else "")


def read_address(text: str) -> Address:
    """Return what the text means.

    Raises: UsageError, saying what is possible.
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
    raise UsageError(f"{text!r} is no folder, and no address of a source tree; possible are: {EXPECTED}")


def _is_bazaar_folder(place: str) -> bool:
    return place.startswith("file://") and Path(place.removeprefix("file://"), ".bzr").is_dir()
