"""Asks a database of vulnerabilities about every locked Python package: `python -m tools.audit [OPTIONS OF pip-audit]`.

The exit code is 0 if there is no known vulnerability but those of .ci/exceptions.toml, 1 if there is one, and 2 if a file could not
be audited, for example because the database is not reachable: no answer is not a good answer.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.constraints import WORKFLOWS
from tools.exceptions import EXCEPTIONS, VulnerabilityException, read_exceptions
from tools.lock import DEVELOPMENT, ROOT, RUNTIME
from workflows.platform.python_env import CONSTRAINTS

# With --strict a package that the database does not know is an error; pip is not needed, because every version is locked.
PIP_AUDIT = (sys.executable, "-m", "pip_audit", "--strict", "--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json")


@dataclass(frozen=True, slots=True)
class Audit:
    """What is known about the packages of one file: the vulnerabilities, or why it could not be audited."""

    file: Path
    vulnerabilities: tuple[str, ...] = ()
    error: str = ""

    @property
    def exit_code(self) -> int:
        """Return 0, 1 or 2; see above."""
        return 2 if self.error else min(len(self.vulnerabilities), 1)

    def describe(self) -> str:
        """Return what is printed."""
        if self.error:
            return f"{self.file}: NOT AUDITED: {self.error}"
        return "\n".join(f"{self.file}: {each}" for each in self.vulnerabilities or ("no known vulnerability",))


def find_locks() -> tuple[Path, ...]:
    """Return all files with locked packages: those of novaflow and those of stacks."""
    return (RUNTIME, DEVELOPMENT, CONSTRAINTS, *(source.with_suffix(".txt") for source in sorted(WORKFLOWS.rglob("*.in"))))


def audit(file: Path, accepted: Iterable[VulnerabilityException], options: Sequence[str] = ()) -> Audit:
    """Ask about the packages of one file."""
    ignored = (word for one in accepted for word in ("--ignore-vuln", one.id))
    argv = [*PIP_AUDIT, *ignored, *options, "--requirement", str(file)]
    done = subprocess.run(argv, capture_output=True, check=False, text=True)  # noqa: S603, TID251 - a program of this environment
    name = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:  # it prints no report
        return Audit(name, error=(done.stderr.strip().splitlines() or ["pip-audit printed nothing"])[-1])
    return Audit(name, tuple(_describe(package, each) for package in packages for each in package["vulns"]))


def _describe(package: dict[str, str], vulnerability: dict[str, list[str]]) -> str:
    fixed = ", ".join(vulnerability["fix_versions"]) or "no version"
    return f"{package['name']} {package['version']} has {vulnerability['id']}, fixed in {fixed}"


def main(options: Sequence[str]) -> int:
    """Audit all files, print the results and return the exit code."""
    accepted = read_exceptions(EXCEPTIONS.read_text()).vulnerabilities
    worst = 0
    for file in find_locks():
        found = audit(file, accepted, options)
        print(found.describe(), flush=True)  # noqa: T201 - its output
        worst = max(worst, found.exit_code)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
