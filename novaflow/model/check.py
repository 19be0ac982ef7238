"""A check of the machine and its result."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from novaflow.model.paths import Paths
from novaflow.model.settings import Settings


class Severity(StrEnum):
    """The result of a check."""

    GOOD = "good"
    WARNING = "warning"  # it works with a restriction
    UNWISE = "unwise"  # it works, but stops something else on this machine; refused without --force
    BAD = "bad"  # this machine does not meet the requirement


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What ``doctor`` found, and what to do about it."""

    about: str
    severity: Severity
    found: str
    advice: str = ""


Check = Callable[[Settings, Paths], CheckResult]
