"""`novaflow install` and the workflows it runs."""

import os
import signal

import pytest

from novaflow.adapters.storage import StackLock
from novaflow.events.types import WorkflowChanged
from tests.support.toy_stack import Novaflow, ToyStack, describe_failure

INSTALLED = 'return "installed"'


def executions(toy: ToyStack) -> list[str]:
    """Return the name and state of each change of a workflow."""
    return [f"{record.event.name} {record.event.state}" for record in toy.records if isinstance(record.event, WorkflowChanged)]


def test_the_workflows_run_in_order(novaflow: Novaflow, toy: ToyStack) -> None:
    """`install` comes before `template`, and each step is shown with its result."""
    toy.add_step("template", 'return "three templates"', component="databases")
    toy.add_step("install", INSTALLED)
    ended = novaflow("install")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.index("extra.body") < ended.out.index("three templates")
    assert executions(toy) == ["install started", "install succeeded", "template started", "template succeeded"]


def test_without_install_workflows_nothing_is_done(novaflow: Novaflow, toy: ToyStack) -> None:
    """A folder of workflows may have neither."""
    ended = novaflow("install")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert executions(toy) == []


def test_a_second_install_shows_why_steps_are_skipped(novaflow: Novaflow, toy: ToyStack) -> None:
    """Skipped steps have a reason, and the exit code is 0."""
    toy.add_step("install", 'it = ctx.paths.data / "it"; there = it.exists(); it.touch(); return Skipped("it exists") if there else None')
    first, second = novaflow("install"), novaflow("install")
    assert (first.code, second.code) == (0, 0)
    assert "it exists" not in first.out
    assert "it exists" in second.out


def test_a_workflow_that_is_already_done_is_not_started(novaflow: Novaflow, toy: ToyStack) -> None:
    """Its reason is published instead."""
    toy.add_workflow("install", 'reason_done=lambda *_: "the databases exist"')
    toy.add_step("install", INSTALLED)
    ended = novaflow("install")
    assert ended.code == 0
    assert ended.out.endswith("install succeeded in 0.0 s: the databases exist\n")
    assert executions(toy) == ["install succeeded"]


def test_a_failed_step_is_an_error(novaflow: Novaflow, toy: ToyStack) -> None:
    """The exit code is 3, the message names the step, and its reason is shown before."""
    toy.add_step("install", 'raise StepFailed("no mirror answers")')
    toy.add_step("template", INSTALLED, component="databases")
    ended = novaflow("install")
    assert (ended.code, ended.err) == (3, describe_failure("install", "extra.body"))
    assert "no mirror answers" in ended.out
    assert executions(toy) == ["install started", "install failed"]


def test_a_step_that_refuses_the_request_is_a_usage_error(novaflow: Novaflow, toy: ToyStack) -> None:
    """The exit code is that of the step's error if all failures have the same kind."""
    toy.add_step("install", 'raise UsageError("choose another image")')
    assert novaflow("install").code == 2


def test_an_unfit_machine_is_refused(novaflow: Novaflow, toy: ToyStack) -> None:
    """The exit code is 5, and nothing is created."""
    toy.add_check("BAD")
    ended = novaflow("install")
    assert (ended.code, ended.out, ended.err) == (5, "", "novaflow: memory: 1 GiB; 4 GiB are needed\n")
    assert not toy.root.exists()


def test_a_warning_does_not_prevent_an_install(novaflow: Novaflow, toy: ToyStack) -> None:
    """Warnings are about services that run."""
    toy.add_check("UNWISE")
    assert novaflow("install").code == 0


def test_a_locked_stack_is_refused(novaflow: Novaflow, toy: ToyStack) -> None:
    """The exit code is 5, and the message names the holder of the lock."""
    with StackLock(toy.paths.lock, "up"):
        ended = novaflow("install")
    assert ended.code == 5
    assert f"`novaflow up`, pid {os.getpid()}" in ended.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_stops_an_install(novaflow: Novaflow, toy: ToyStack, number: signal.Signals, code: int) -> None:
    """The running step is stopped, the exit code is 128 and the signal's number, and the lock is released."""
    toy.add_step("install", f"import os, anyio; os.kill(os.getpid(), {number.value}); await anyio.sleep(60)")
    ended = novaflow("install")
    assert (ended.code, ended.err) == (code, "novaflow: interrupted; everything was stopped\n")
    assert executions(toy) == ["install started", "install cancelled"]
    with StackLock(toy.paths.lock, "test"):
        pass
