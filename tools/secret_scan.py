"""Searches files of the repository for secrets. `python -m tools.secret_scan [FILE ...]`: by default every tracked file.

Files with locked packages are left out: a test checks that they contain nothing but versions and hashes.

The exit code is 1 if there are values that look like secrets and are not in .ci/exceptions.toml. Nothing is sent anywhere.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings

from tools.audit import find_locks
from tools.exceptions import EXCEPTIONS, SecretException, read_exceptions
from tools.lock import ROOT


@dataclass(frozen=True, slots=True)
class PossibleSecret:
    """A value that looks like a secret; ``file`` is relative to the folder that was searched."""

    file: str
    line: int
    kind: str
    value: str

    def __str__(self) -> str:
        """Return where it is, without its value."""
        return f"{self.file}:{self.line}: {self.kind}"


def list_tracked() -> tuple[str, ...]:
    """Return the files of the repository that git tracks, relative to its root, without those of locked packages."""
    argv = ("git", "ls-files", "-z")
    shown = subprocess.run(argv, cwd=ROOT, capture_output=True, check=True, text=True).stdout  # noqa: S603, TID251 - lists files
    locks = {str(file.relative_to(ROOT)) for file in find_locks()}
    return tuple(name for name in shown.split("\0") if name and name not in locks and (ROOT / name).is_file())


def scan(folder: Path, files: Iterable[str]) -> Iterator[PossibleSecret]:
    """Yield the findings in these files of a folder."""
    with default_settings():  # all kinds; values are not verified, which would send them to their services
        for file in files:
            for found in scan_file(str(folder / file)):
                yield PossibleSecret(file, found.line_number, found.type, found.secret_value or "")


def find_secrets(findings: Iterable[PossibleSecret], accepted: Sequence[SecretException]) -> list[PossibleSecret]:
    """Return the findings that no exception covers."""
    return [found for found in findings if not any(one.covers(found.file, found.value) for one in accepted)]


def main(files: Sequence[str]) -> int:
    """Search, print the findings and return the exit code."""
    accepted = read_exceptions(EXCEPTIONS.read_text()).secrets
    found = find_secrets(scan(ROOT, files or list_tracked()), accepted)
    for each in found:
        print(each)  # noqa: T201 - its output
    print(f"{len(found)} possible secrets")  # noqa: T201 - the same
    return min(len(found), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
