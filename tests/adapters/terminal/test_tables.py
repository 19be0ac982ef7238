"""Tables for people."""

import io
import os
from typing import Any

import pytest

from novaflow.adapters.terminal import print_check_results, print_orphans, print_status
from novaflow.events.types import ServiceState, StackState
from novaflow.model.check import CheckResult, Severity
from novaflow.model.orphan import OrphanedResource
from novaflow.streams import discard_output

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
    """Only its state is shown: it has no events, and no broker that could be down."""
    stream = io.StringIO()
    events = {"published": 0, "waiting": 0, "broker": "down"}
    never: dict[str, Any] = {"state": "stopped", "reason": "never run", "ready_after_s": None, "services": [], "url": {}}
    print_status(STATUS | never | {"events": events}, stream)
    assert stream.getvalue() == "nova is stopped: never run\n"


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


def shown(status: dict[str, Any]) -> str:
    """Return the text of a status."""
    stream = io.StringIO()
    print_status(STATUS | status, stream)
    return stream.getvalue()


def test_a_name_in_brackets_is_shown_as_it_is() -> None:
    """The folder of a stack and a service may have such names."""
    services = [STATUS["services"][1] | {"name": "mail[bold]", "reason": "answered [b]yes[/b]"}]
    first, _, mail, *_ = shown({"stack": "nova[test]", "services": services}).splitlines()
    assert first.startswith("nova[test] is degraded, ready after 61.2 s")
    assert mail.split() == ["mail[bold]", "ready", "4711", "3.2", "s", "answered", "[b]yes[/b]"]


def test_nothing_is_cut_in_a_pipe() -> None:
    """A program or a file gets long lines as they are; a table is cut at 240 columns."""
    reason, url = "because " + "x" * 500, "http://" + "y" * 500
    first, *_, address, _ = shown({"reason": reason, "url": {"compute": url}}).splitlines()
    assert first.endswith(reason)
    assert address == f"compute      {url}"
    services = [STATUS["services"][0] | {"reason": reason}]
    assert max(map(len, shown({"services": services}).splitlines())) <= 240


@pytest.mark.parametrize(
    ("state", "waiting", "text"),
    [
        ("stopped", 3, "212 published; 3 wait on disk for the broker of the next run"),
        ("failed", 1, "212 published; 1 wait on disk for the broker of the next run"),
        ("stopped", 0, "212 published, 0 waiting, broker down"),
        ("stopping", 3, "212 published, 3 waiting, broker down"),
    ],
)
def test_events_that_wait_are_explained(state: str, waiting: int, text: str) -> None:
    """They are published by the next run: the stack's own broker has stopped with it."""
    events = {"published": 212, "waiting": waiting, "broker": "down"}
    assert shown({"state": state, "events": events}).splitlines()[-1] == f"events       {text}"


@pytest.mark.parametrize("state", StackState)
def test_each_state_of_a_stack_is_shown(state: StackState) -> None:
    """A state without a colour would be an error."""
    assert shown({"state": state.value}).startswith(f"nova is {state.value}, ready after 61.2 s: ")


def test_each_state_of_a_service_is_shown() -> None:
    """A state without a colour is shown in the usual one."""
    services = [STATUS["services"][1] | {"name": f"s-{state}", "state": state.value} for state in ServiceState]
    lines = words(shown({"services": services}))[2 : 2 + len(services)]
    assert [line[:2] for line in lines] == [[f"s-{state}", state.value] for state in ServiceState]


def test_orphans_are_listed_with_their_marks() -> None:
    """One line each, in the order given; names may contain brackets."""
    stream = io.StringIO()
    print_orphans(
        [OrphanedResource("bridge", "br100", "novaflow's alias [nova]"), OrphanedResource("domain", "instance-[a]", "its description")],
        stream,
    )
    assert stream.getvalue().splitlines() == [
        f"bridge     {'br100':<46} novaflow's alias [nova]",
        f"domain     {'instance-[a]':<46} its description",
    ]


def test_a_check_that_stops_something_else_is_marked_as_failed() -> None:
    """Its advice is shown."""
    stream = io.StringIO()
    print_check_results([CheckResult("firewall", Severity.UNWISE, "ufw is active", "disable it")], stream)
    assert stream.getvalue().splitlines() == [f"✘ {'firewall':<22} ufw is active", f"  {'':<22} disable it"]


def test_a_reader_that_has_ended_is_an_error() -> None:
    """The caller decides about the exit code; rich itself would exit with 1."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        with pytest.raises(BrokenPipeError):
            print_status(STATUS, stream)
        discard_output(stream)
