"""What tempest's runner prints: the result of each test, and of failed ones the error and the ids of requests."""

import re
from dataclasses import dataclass, field

# Source: stestr's `stestr.subunit_trace`; a class whose preparation fails or is skipped is reported as `setUpClass (CLASS)`.
RESULT = re.compile(r"^\{\d+\} (?P<test>\S+(?: \(\S+\))?)(?: \[[\d.]+s\])? \.\.\. (?P<result>ok|FAILED|SKIPPED)")
REQUEST = re.compile(r"'x-openstack-request-id': '(req-[0-9a-f-]{36})'")
SECTION, TRACEBACK = "Captured ", "Captured traceback"
EXCEPTION = re.compile(r"^ {4}(?P<error>[A-Za-z_][\w.]*: .*)")


@dataclass(slots=True)
class Failure:
    """A failed test: the error, and the ids of its requests in their order, of which services write in their logs."""

    test: str
    error: str = "no error was printed"
    requests: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Results:
    """The results of the tests that have ended."""

    passed: int = 0
    skipped: int = 0
    failures: list[Failure] = field(default_factory=list)
    _described: Failure | None = None
    _in_traceback: bool = False

    @property
    def summary(self) -> str:
        """Return the numbers of tests."""
        return f"{self.passed} passed, {self.skipped} skipped, {len(self.failures)} failed"

    def read(self, line: str) -> str | None:
        """Read a line of the output, and return the name of the test if it is a result."""
        if found := RESULT.match(line):
            self._count(found["test"], found["result"])
            return found["test"]
        if self._described:
            self._describe(self._described, line)
        return None

    def _count(self, test: str, result: str) -> None:
        self._described = None
        if result == "FAILED":
            self._described = Failure(test)
            self.failures.append(self._described)
        elif result == "SKIPPED":
            self.skipped += 1
        else:
            self.passed += 1

    def _describe(self, failure: Failure, line: str) -> None:
        if line.startswith(SECTION):
            self._in_traceback = line.startswith(TRACEBACK)
        failure.requests += [request for request in REQUEST.findall(line) if request not in failure.requests]
        if not self._in_traceback:
            return
        if found := EXCEPTION.match(line):  # the last one is the error of the test
            failure.error = found["error"]
        elif line.startswith("Details: "):
            failure.error += f", {line.removeprefix('Details: ')}"
