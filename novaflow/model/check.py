"""A check of the machine and its result."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from novaflow.model.paths import Paths
from novaflow.model.settings import Settings


class Severity(StrEnum):
    """How a look at the machine ended."""

    GOOD = "good"
    WARNING = "warning"  # it works, with less
    UNWISE = "unwise"  # it works, and something else of the machine stops working: only for who insists
    BAD = "bad"  # this machine cannot do it


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What ``doctor`` found, and what to do about it."""

    about: str
    severity: Severity
    found: str
    advice: str = ""


Check = Callable[[Settings, Paths], CheckResult]
