"""The report of failed tests: the error of each, and what services logged about its requests."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from workflows.verify.tempest.results import Failure

LISTED = 20  # failed tests in an error message; the log contains all of them
LINES = 3  # of services' logs, of each test
WIDTH = 200  # characters of such a line
LEVELS = (" CRITICAL ", " ERROR ")  # of oslo.log


def describe_failures(failures: Sequence[Failure], logs: Path) -> str:
    """Return each failed test with its error, its last request, and the last errors that services logged about its requests.

    ``logs`` is the folder of the services' logs.
    """
    logged = _find_lines({request for failure in failures for request in failure.requests}, logs)
    lines = (line for failure in failures[:LISTED] for line in _describe(failure, logged))
    more = [f"and {len(failures) - LISTED} more"] if len(failures) > LISTED else []
    return "\n".join([*lines, *more])


def _describe(failure: Failure, logged: dict[str, list[str]]) -> Iterator[str]:
    yield failure.test
    yield f"    {failure.error}"
    if failure.requests:
        yield f"    its last request was {failure.requests[-1]}"
    found = [line for request in failure.requests for line in logged.get(request, ())]
    yield from (f"    {line}" for line in found[-LINES:])


def _find_lines(requests: set[str], logs: Path) -> dict[str, list[str]]:
    """Return the errors about these requests, each with the name of its service, by the id of the request."""
    found: dict[str, list[str]] = {}
    for log in sorted(logs.glob("*.log")):
        with log.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if any(level in line for level in LEVELS) and (request := next((one for one in requests if one in line), None)):
                    found.setdefault(request, []).append(f"{log.stem}: {line.strip()[:WIDTH]}")
    return found
