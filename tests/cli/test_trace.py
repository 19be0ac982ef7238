"""`novaflow trace` and `logs --request`: what happened to a server or because of a request, from all logs and from events."""

import json

from novaflow.events.types import ComponentEvent
from tests.support.toy_stack import Novaflow, ToyStack

DECLARED = """
from novaflow.model.component import Component
from workflows.services.oslo.log_format import OSLO_LOG

COMPONENT = Component("logs", "Their format.", declares=(OSLO_LOG,))
"""
SERVER, OTHER = "3a2faa72-e8aa-426d-9c0a-be91d2c4fa9e", "27fe4480-61a2-4c35-90d7-52a70e97063e"
CREATE, POLL, INTERNAL, PERIODIC, STALE = (f"req-ed1a6f2f-429a-47b7-a6e4-1370b4b39f{number}e" for number in range(5))
USER, NO_USER = "e87d62c9 a9e1fc02 - - default default", "- - - - - -"
POST = '127.0.0.1 "POST /v2.1/servers" status: 202'
# As services of OpenStack write them: 0.5 s pass before the network is plugged, and the disk takes 2 s.
LOGS = {
    "nova-api": f"""\
2026-11-28 02:46:26.451 869 INFO nova.api [None {CREATE} {USER}] {POST}
2026-11-28 02:46:26.600 869 INFO nova.api [None {POLL} {USER}] 127.0.0.1 "GET /v2.1/servers/{SERVER}" status: 200
""",
    "nova-compute": f"""\
2026-11-28 02:46:26.951 912 INFO nova.virt [None {CREATE} {USER}] [instance: {SERVER}] Plugged
2026-11-28 02:46:26.990 912 INFO nova.virt [None {CREATE} {USER}] [instance: {OTHER}] Plugged
2026-11-28 02:46:28.951 912 ERROR nova.virt [None {CREATE} {USER}] [instance: {SERVER}] No disk
2026-11-28 02:46:28.951 912 ERROR nova.virt Traceback (most recent call last):
2026-11-28 02:46:28.951 912 ERROR nova.virt DiskFull
2026-11-28 02:46:30.000 912 INFO nova.compute [None {PERIODIC} {NO_USER}] [instance: {SERVER}] Checked
2026-11-28 02:46:31.000 912 INFO nova.compute [None {STALE} {USER}] [instance: {SERVER}] VM Stopped (Lifecycle Event)
2026-11-28 02:46:32.000 912 INFO nova.compute [None {STALE} {USER}] [instance: {OTHER}] Attached
2026-11-28 02:46:33.000 912 INFO nova.compute [-] [instance: {SERVER}] Destroyed
""",
    "placement": f"2026-11-28 02:46:26.602 374 INFO placement [{CREATE} {INTERNAL} {USER}] claimed\n",
    "mariadb": "not a line of a service\n",
}


def write_logs(toy: ToyStack) -> None:
    """Write the logs of a stack, and the event of a server."""
    toy.write("components/logs.py", DECLARED)
    toy.paths.log.mkdir(parents=True)
    for name, text in LOGS.items():
        (toy.paths.log / f"{name}.log").write_text(text)
    reason = f"reported by nova-compute, request {CREATE}"
    toy.append(ComponentEvent(kind="instance", name=SERVER, state="create-end", reason=reason, data={"display_name": "web"}))


def test_a_server_is_followed_through_all_logs(novaflow: Novaflow, toy: ToyStack) -> None:
    """By its name: its lines, those of the requests of users that changed it, and its events; no polls and no other server."""
    write_logs(toy)
    shown = json.loads(novaflow("trace", "web", "--json").out)
    lines = [(line["source"], line["text"].removeprefix(f"[instance: {SERVER}] ")) for line in shown["lines"]]
    assert lines == [
        ("nova-api", POST),
        ("placement", "claimed"),
        ("nova-compute", "Plugged"),
        ("nova-compute", "No disk"),
        ("nova-compute", "Traceback (most recent call last):"),
        ("nova-compute", "DiskFull"),
        ("nova-compute", "Checked"),
        ("nova-compute", "VM Stopped (Lifecycle Event)"),
        ("nova-compute", "Destroyed"),
        ("event", "instance.create-end"),  # its time is that of this test
    ]
    assert [line["request"] for line in shown["lines"]] == [*[CREATE] * 6, "", "", "", CREATE]


def test_the_time_of_requests_is_shown(novaflow: Novaflow, toy: ToyStack) -> None:
    """From the first line to the last one, with the longest time without a line."""
    write_logs(toy)
    lines = novaflow("logs", "--request", CREATE).out.splitlines()
    assert [line.split()[1:4] for line in lines[4:6]] == [["+2.0", "s", "nova-compute"], ["nova-compute", "ERROR", "Traceback"]]
    assert lines[-2:] == [f"       2.5 s  {CREATE}  {POST}", f"       2.0 s    before nova-compute: [instance: {SERVER}] No disk"]


def test_a_request_is_shown_in_one_log(novaflow: Novaflow, toy: ToyStack) -> None:
    """With the name of a log; also a request that only asked."""
    write_logs(toy)
    (line,) = novaflow("logs", "placement", "--request", CREATE).out.splitlines()
    assert line.split(maxsplit=1)[1] == "placement  claimed"
    (line,) = novaflow("logs", "--request", POLL).out.splitlines()
    assert "GET /v2.1/servers" in line


def test_nothing_is_an_error(novaflow: Novaflow, toy: ToyStack) -> None:
    """The message has the folder of the logs."""
    write_logs(toy)
    ended = novaflow("trace", "nothing")
    assert (ended.code, ended.err) == (2, f"novaflow: no log in {toy.paths.log} and no event mentions nothing\n")
    ended = novaflow("logs", "--request", "req-1")
    assert (ended.code, ended.err) == (2, f"novaflow: no log in {toy.paths.log} mentions req-1\n")
