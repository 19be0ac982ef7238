"""Tables for people."""

import io
from typing import Any

from novaflow.adapters.terminal import print_check_results, print_status
from novaflow.model.check import CheckResult, Severity

STATUS: dict[str, Any] = {
    "stack": "nova",
    "state": "degraded",
    "reason": "web failed: no [/etc/web]",
    "ready_after_s": 61.25,
    "url": {"compute": "http://127.0.0.1:8774/v2.1"},
    "services": [
        {"name": "web", "state": "failed", "pid": None, "port": 80, "ready_after_s": None, "reason": "it exited with 7\nno licence"},
        {"name": "mail", "state": "ready", "pid": 4711, "port": None, "ready_after_s": 3.21, "reason": "answered"},
    ],
    "events": {"published": 212, "waiting": 3, "broker": "up"},
}


def words(text: str) -> list[list[str]]:
    """Return the words of each line."""
    return [line.split() for line in text.splitlines()]


def test_a_status_is_a_table() -> None:
    """The stack's state is first, then one line for each service, then addresses and events."""
    stream = io.StringIO()
    print_status(STATUS, stream)
    first, headings, web, mail, url, events = words(stream.getvalue())
    assert " ".join(first) == "nova is degraded, ready after 61.2 s: web failed: no [/etc/web]"
    assert headings[:4] == ["service", "state", "pid", "port"]
    assert web == ["web", "failed", "80", *["it", "exited", "with", "7"]]
    assert mail == ["mail", "ready", "4711", "3.2", "s", "answered"]
    assert url == ["compute", "http://127.0.0.1:8774/v2.1"]
    assert " ".join(events) == "events 212 published, 3 waiting, broker up"


def test_a_stack_that_never_ran_has_no_table() -> None:
    """Only its state and its events are shown."""
    stream = io.StringIO()
    events = {"published": 0, "waiting": 0, "broker": "down"}
    never: dict[str, Any] = {"state": "stopped", "reason": "never run", "ready_after_s": None, "services": [], "url": {}}
    print_status(STATUS | never | {"events": events}, stream)
    assert [" ".join(line) for line in words(stream.getvalue())] == [
        "nova is stopped: never run",
        "events 0 published, 0 waiting, broker down",
    ]


def test_advice_is_shown_where_it_is_needed() -> None:
    """A check that passed needs none."""
    stream = io.StringIO()
    print_check_results(
        [
            CheckResult("memory", Severity.GOOD, "7900 MiB", "none"),
            CheckResult("KVM", Severity.WARNING, "no [/dev/kvm]", "[b]e patient"),
            CheckResult("disk", Severity.BAD, "1 MiB"),
        ],
        stream,
    )
    assert [" ".join(line) for line in words(stream.getvalue())] == [
        "✔ memory 7900 MiB",
        "! KVM no [/dev/kvm]",
        "[b]e patient",
        "✘ disk 1 MiB",
    ]
