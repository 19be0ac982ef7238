"""`novaflow status`: the state of a stack without a supervisor."""

import json

import pytest

from novaflow.events.types import ServiceState, StackState
from tests.support.toy_stack import Novaflow, ToyStack, service_is, stack_is

CRASHED = "the supervisor (pid 4711) has crashed; adopt its services with `novaflow up`, or stop them with `novaflow clean`"


def test_a_stack_that_does_not_exist_is_stopped(novaflow: Novaflow, toy: ToyStack) -> None:
    """The exit code is 6, the reason says so, and no folder is created."""
    ended = novaflow("status", "--json")
    assert (ended.code, ended.err) == (6, "")
    assert json.loads(ended.out) == {
        "stack": "nova",
        "state": "stopped",
        "reason": f"there is no stack in {toy.root}: the folder does not exist",
        "since": None,
        "run_id": "",
        "ready_after_s": None,
        "url": {},
        "services": [],
        "events": {"published": 0, "waiting": 0, "broker": "down"},
        "notes": {},
    }
    assert not toy.root.exists()


def test_a_stack_that_was_never_run_is_stopped(novaflow: Novaflow, toy: ToyStack) -> None:
    """The reason differs from that of a folder that does not exist."""
    toy.root.mkdir()
    ended = novaflow("status", "--json")
    assert (ended.code, json.loads(ended.out)["reason"]) == (6, "never run")


def test_a_stack_is_named_after_its_folder(novaflow: Novaflow) -> None:
    """DIR may be any folder."""
    assert json.loads(novaflow("status", "--json", "here/mine").out)["stack"] == "mine"


@pytest.mark.parametrize("state", [StackState.STOPPED, StackState.FAILED])
def test_a_stack_that_has_ended_shows_how(novaflow: Novaflow, toy: ToyStack, state: StackState) -> None:
    """The exit code is 6 for a stopped stack and 3 for a failed one; the reason is that of the event."""
    toy.append(stack_is(StackState.STARTING), service_is("web", ServiceState.READY), stack_is(state, "a bad disk"))
    ended = novaflow("status", "--json")
    status = json.loads(ended.out)
    assert ended.code == {StackState.STOPPED: 6, StackState.FAILED: 3}[state]
    assert (status["state"], status["reason"], status["run_id"]) == (state, "a bad disk", "r1")
    assert [(service["name"], service["state"]) for service in status["services"]] == [("web", "stopped")]
    assert status["events"] == {"published": 0, "waiting": 3, "broker": "down"}


def test_a_crashed_supervisor_is_reported_with_its_pid(novaflow: Novaflow, toy: ToyStack) -> None:
    """A journal that ends while the stack is ready, without a supervisor, means failed: exit code 3."""
    toy.crash()
    ended = novaflow("status", "--json")
    status = json.loads(ended.out)
    assert (ended.code, status["state"], status["reason"]) == (3, "failed", CRASHED)
    assert status["ready_after_s"] == 61.2


@pytest.mark.parametrize("state", [StackState.STARTING, StackState.DEGRADED, StackState.STOPPING])
def test_a_crash_is_recognised_in_every_state(novaflow: Novaflow, toy: ToyStack, state: StackState) -> None:
    """Without the supervisor's signature in the lock file, the message has no pid."""
    toy.append(stack_is(StackState.STARTING), stack_is(state))
    ended = novaflow("status", "--json")
    assert (ended.code, json.loads(ended.out)["reason"]) == (3, CRASHED.replace(" (pid 4711)", ""))


def test_the_pid_of_another_command_is_not_the_supervisors(novaflow: Novaflow, toy: ToyStack) -> None:
    """The lock file may have been written by a command since."""
    toy.crash()
    toy.paths.lock.write_text("`novaflow scrub`, pid 4712\n")
    assert json.loads(novaflow("status", "--json").out)["reason"].startswith("the supervisor has crashed")


def test_the_latest_run_counts(novaflow: Novaflow, toy: ToyStack) -> None:
    """Services of an earlier run are not shown."""
    toy.append(stack_is(StackState.STARTING), service_is("old", ServiceState.READY), stack_is(StackState.FAILED))
    toy.append(stack_is(StackState.STARTING), service_is("web", ServiceState.READY), stack_is(StackState.STOPPED), run_id="r2")
    status = json.loads(novaflow("status", "--json").out)
    assert (status["run_id"], [service["name"] for service in status["services"]]) == ("r2", ["web"])


def test_users_get_a_table(novaflow: Novaflow, toy: ToyStack) -> None:
    """The first line is the state of the stack; each service has a line."""
    toy.append(stack_is(StackState.STARTING), service_is("web", ServiceState.FAILED, "exited with 7"), stack_is(StackState.FAILED))
    ended = novaflow("status")
    assert ended.code == 3
    assert ended.out.splitlines()[0] == "nova is failed: a reason"
    assert [line.split()[:2] for line in ended.out.splitlines() if "exited with 7" in line] == [["web", "failed"]]
