"""Reads .ci/exceptions.toml: findings of the audit and of the secret scan that are accepted, each with its date and reason."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatch
from pathlib import Path

EXCEPTIONS = Path(__file__).parents[1] / ".ci" / "exceptions.toml"
VALID = timedelta(days=366)  # then an exception is reviewed: it is removed, or gets a new date


@dataclass(frozen=True, slots=True)
class VulnerabilityException:
    """A vulnerability that does not concern novaflow; ``id`` is as pip-audit prints it."""

    id: str
    package: str
    date: date
    reason: str


@dataclass(frozen=True, slots=True)
class SecretException:
    """Values that look like secrets and are none: ``values``, a regular expression for the whole value, in ``files``, a pattern."""

    files: str
    values: str
    date: date
    reason: str

    def covers(self, file: str, value: str) -> bool:
        """Return whether the value is accepted in the file, a path relative to the repository."""
        return fnmatch(file, self.files) and re.fullmatch(self.values, value) is not None


@dataclass(frozen=True, slots=True)
class Exceptions:
    """All exceptions."""

    vulnerabilities: tuple[VulnerabilityException, ...] = ()
    secrets: tuple[SecretException, ...] = ()


def read_exceptions(text: str) -> Exceptions:
    """Return the exceptions that the text of a TOML file lists.

    Raises: TypeError, if an entry lacks a key or has an unknown one.
    """
    listed = tomllib.loads(text)
    vulnerabilities = tuple(VulnerabilityException(**entry) for entry in listed.pop("vulnerability", ()))
    secrets = tuple(SecretException(**entry) for entry in listed.pop("secret", ()))
    if listed:
        raise TypeError(f"unknown tables: {', '.join(listed)}")
    return Exceptions(vulnerabilities, secrets)


def find_faults(exceptions: Exceptions, today: date, pins: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with the exceptions; ``pins`` are the names of the locked packages."""
    for name, one in _name_all(exceptions).items():
        if not one.reason.strip():
            yield f"{name} has no reason"
        if not today - VALID <= one.date <= today:
            yield f"{name} is of {one.date}, expected a date within the last {VALID.days} days: review it"
    for vulnerability in exceptions.vulnerabilities:
        if vulnerability.package not in pins:
            yield f"{vulnerability.id}: {vulnerability.package} is not locked any more: remove it"


def _name_all(exceptions: Exceptions) -> Mapping[str, VulnerabilityException | SecretException]:
    return {one.id: one for one in exceptions.vulnerabilities} | {f"{one.files} {one.values}": one for one in exceptions.secrets}
