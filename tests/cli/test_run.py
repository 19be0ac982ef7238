"""What `novaflow run` and `novaflow up` check before they start a supervisor."""

import os
import socket

import pytest

from novaflow.adapters.storage.lock import StackLock
from tests.support.toy_stack import Novaflow, ToyStack, describe_failure

MISSING = "reason_not_ready=lambda settings, paths, components: f'{paths.root} is not installed', stays=True"


@pytest.mark.parametrize("command", ["run", "up"])
@pytest.mark.parametrize("timeout", ["0", "-1", "soon"])
def test_the_time_limit_is_a_positive_number(novaflow: Novaflow, toy: ToyStack, command: str, timeout: str) -> None:
    """Other values are refused, and nothing is created."""
    ended = novaflow(command, "--timeout", timeout)
    assert (ended.code, ended.out) == (2, "")
    assert "Invalid value for '--timeout'" in ended.err
    assert not toy.root.exists()


@pytest.mark.parametrize("command", ["run", "up"])
@pytest.mark.parametrize("severity", ["BAD", "UNWISE"])
def test_an_unfit_machine_is_refused(novaflow: Novaflow, toy: ToyStack, command: str, severity: str) -> None:
    """The message has every obstacle, the exit code is 5, and nothing is created."""
    toy.add_check(severity)
    ended = novaflow(command)
    assert (ended.code, ended.out, ended.err) == (5, "", "novaflow: memory: 1 GiB; 4 GiB are needed\n")
    assert not toy.root.exists()


def test_force_ignores_warnings(novaflow: Novaflow, toy: ToyStack) -> None:
    """The command continues to the next check, which is that of the installation."""
    toy.add_check("UNWISE")
    toy.add_workflow("run", MISSING)
    ended = novaflow("run", "--force")
    assert (ended.code, ended.err) == (2, f"novaflow: {toy.root} is not installed\n")


def test_force_does_not_ignore_requirements(novaflow: Novaflow, toy: ToyStack) -> None:
    """What is impossible stays impossible."""
    toy.add_check("BAD")
    assert novaflow("run", "--force").code == 5


def test_a_stack_that_is_not_installed_is_refused(novaflow: Novaflow, toy: ToyStack) -> None:
    """The lock is released."""
    toy.add_workflow("run", MISSING)
    ended = novaflow("run", "--wait-ready")
    assert (ended.code, ended.out, ended.err) == (2, "", f"novaflow: {toy.root} is not installed\n")
    with StackLock(toy.paths.lock, "test"):
        pass


def test_a_port_in_use_is_refused(novaflow: Novaflow, toy: ToyStack) -> None:
    """The message has the port, the service, and the program that listens; the exit code is 5."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        toy.add_services(port)
        ended = novaflow("run")
    assert ended.code == 5
    assert f"port {port}" in ended.err
    assert "web" in ended.err
    assert f"(pid {os.getpid()})" in ended.err


def test_watching_needs_a_source_tree(novaflow: Novaflow, toy: ToyStack) -> None:
    """The message names the folder and the command that fetches one."""
    ended = novaflow("run", "--watch")
    expected = f"there is no source tree to watch: {toy.paths.source} does not exist; fetch one with `novaflow branch`"
    assert (ended.code, ended.out, ended.err) == (2, "", f"novaflow: {expected}\n")


@pytest.mark.parametrize("command", ["run", "up", "branch", "scrub"])
def test_a_locked_stack_is_refused(novaflow: Novaflow, toy: ToyStack, command: str) -> None:
    """The message names the command that holds the lock, and its pid; the exit code is 5."""
    toy.add_workflow("branch")
    with StackLock(toy.paths.lock, "install"):
        ended = novaflow(command)
    assert (ended.code, ended.out) == (5, "")
    assert f"`novaflow install`, pid {os.getpid()}" in ended.err


def test_failed_tests_prevent_a_run(novaflow: Novaflow, toy: ToyStack) -> None:
    """`--test` runs the workflow `test` first, with the selection; the exit code is 3 if it fails."""
    toy.add_step("test", 'raise StepFailed(f"1 of 2 tests failed: {ctx.arguments}")')
    ended = novaflow("run", "--test", "nova.tests.one")
    assert (ended.code, ended.err) == (3, describe_failure("test", "extra.body"))
    assert "1 of 2 tests failed: {'tests': 'nova.tests.one'}" in ended.out


def test_settings_can_require_tests(novaflow: Novaflow, toy: ToyStack) -> None:
    """A workflow may declare that it precedes every run; it runs without a selection."""
    toy.add_workflow("test", "before_run=lambda settings, paths: True")
    toy.add_step("test", 'raise StepFailed(f"{ctx.arguments}")')
    ended = novaflow("run")
    assert ended.code == 3
    assert "{'tests': ''}" in ended.out


def test_tests_need_their_workflow(novaflow: Novaflow) -> None:
    """A folder of workflows without tests is refused."""
    assert novaflow("run", "--test").err == "novaflow: there is no workflow 'test'; there are: run\n"


def test_up_installs_before_it_checks_the_run(novaflow: Novaflow, toy: ToyStack) -> None:
    """A failed installation ends it, with the exit code of the failure."""
    toy.add_step("install", 'raise StepFailed("no mirror answers")')
    toy.add_workflow("run", MISSING)
    ended = novaflow("up")
    assert (ended.code, ended.err) == (3, describe_failure("install", "extra.body"))


def test_a_run_after_a_crash_cleans_up_first(novaflow: Novaflow, toy: ToyStack) -> None:
    """What the crashed stack left is removed before ports are checked."""
    toy.crash()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        toy.add_services(listener.getsockname()[1])
        ended = novaflow("run")
    assert ended.code == 5
    assert "the supervisor exited unexpectedly; everything it left was stopped and removed" in ended.out
    assert not (toy.paths.run / "token").exists()


def test_a_path_that_is_too_long_for_a_socket_is_refused(novaflow: Novaflow, toy: ToyStack) -> None:
    """The limit is the kernel's; nothing is created."""
    deep = toy.folder / ("d" * 60) / ("e" * 60)
    ended = novaflow("up", str(deep))
    assert ended.code == 2
    assert "choose a DIR with a shorter path" in ended.err
    assert not deep.exists()
