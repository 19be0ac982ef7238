"""`novaflow start`, `stop` and `restart` without a supervisor."""

import pytest

from tests.support.toy_stack import Novaflow, ToyStack

COMMANDS = ("start", "stop", "restart")


@pytest.fixture(autouse=True)
def services(toy: ToyStack) -> None:
    """Add services."""
    toy.add_services()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["web", "web-worker", "httpd"])
def test_a_stack_that_is_not_up_is_refused(novaflow: Novaflow, toy: ToyStack, command: str, name: str) -> None:
    """The message names the command that brings it up; nothing is created."""
    ended = novaflow(command, name)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("novaflow: the stack is not up (")
    assert ended.err.endswith("); bring it up with `novaflow up`\n")
    assert not toy.root.exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_name_is_refused(novaflow: Novaflow, command: str) -> None:
    """The message suggests the closest name, whether the stack is up or not."""
    ended = novaflow(command, "web-worke")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith("did you mean 'web-worker'?\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_component_without_services_is_refused(novaflow: Novaflow, command: str) -> None:
    """The message names the component and lists the services."""
    ended = novaflow(command, "toy")
    assert ended.code == 2
    assert "toy" in ended.err
    assert "web, web-worker" in ended.err


@pytest.mark.parametrize("command", [("verify",), ("verify", "--full"), ("terminate",)])
def test_a_workflow_in_the_supervisor_needs_a_stack_that_is_up(novaflow: Novaflow, command: tuple[str, ...]) -> None:
    """The exit code is that of a usage error."""
    ended = novaflow(*command)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith("); bring it up with `novaflow up`\n")
