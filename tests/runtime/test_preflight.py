"""The checks before anything on the machine is changed."""

import os
import socket
from pathlib import Path

import pytest

from novaflow.errors import DependencyCycle, MachineError, MachineUnfit, PortTaken, UsageError
from novaflow.model.check import CheckResult, Severity
from novaflow.runtime.preflight import LONGEST_SOCKET, find_obstacles, require_machine, require_met, require_ports, require_usable
from novaflow.runtime.stack import open_stack
from tests.faults.disks import small_disk
from tests.support.toy_stack import ToyStack

RESULTS = {severity: CheckResult("memory", severity, "1 GiB", "add some" if severity is not Severity.GOOD else "") for severity in Severity}
CYCLE = """
from novaflow.model.component import Component
from novaflow.model.step import step


@step(within_s=1, needs=("round.second",))
async def first(_):
    \"\"\"Do it.\"\"\"


@step(within_s=1, needs=("round.first",))
async def second(_):
    \"\"\"Do it.\"\"\"


COMPONENT = Component("round", "A cycle.", {"verify": (first, second)})
"""


@pytest.mark.parametrize(("force", "found"), [(False, {Severity.BAD, Severity.UNWISE}), (True, {Severity.BAD})])
def test_force_ignores_what_is_unwise(force: bool, found: set[Severity]) -> None:  # noqa: FBT001
    """A warning is never an obstacle, and what is impossible always is."""
    assert {result.severity for result in find_obstacles(RESULTS.values(), force=force)} == found


def test_every_obstacle_has_a_line(toy: ToyStack) -> None:
    """The user can remove all of them before the next attempt."""
    toy.add_check("BAD")
    text = (toy.workflows / "components/checked.py").read_text()
    toy.write("components/other.py", text.replace('"memory"', '"disk"').replace('"checked"', '"other"'))
    with pytest.raises(MachineUnfit) as raised:
        require_machine(toy.open(), force=True)
    assert sorted(str(raised.value).splitlines()) == ["disk: 1 GiB; 4 GiB are needed", "memory: 1 GiB; 4 GiB are needed"]
    assert (len(raised.value.missing), raised.value.exit_code) == (2, 5)


def test_a_workflow_that_is_not_requested_is_checked(toy: ToyStack) -> None:
    """An error in `verify` is reported before `run` has started anything."""
    toy.add_workflow("verify")
    toy.write("components/round.py", CYCLE)
    with pytest.raises(DependencyCycle, match=r"^dependency cycle: round\.\w+ -> round\.\w+ -> round\.\w+$"):
        require_machine(toy.open(), force=True)


@pytest.mark.parametrize(("extra", "is_refused"), [(0, False), (1, True)])
def test_the_path_of_the_socket_has_a_limit(toy: ToyStack, tmp_path: Path, extra: int, is_refused: bool) -> None:  # noqa: FBT001
    """It is that of the kernel, in bytes: the longest path can be bound, and one byte more is refused with a message."""
    rest = LONGEST_SOCKET - len(os.fsencode(tmp_path / "run/control.sock")) + extra
    if rest < 2:
        pytest.skip("the folder of temporary files has a long name")
    stack = open_stack(tmp_path / ("é" * ((rest - 1) // 2) + "x" * ((rest - 1) % 2)), {"NOVAFLOW_WORKFLOWS": str(toy.workflows)})
    path = stack.paths.control
    assert len(os.fsencode(path)) == LONGEST_SOCKET + extra
    if is_refused:
        message = f"the path of the socket {path} has 108 bytes; the limit is 107; choose a DIR with a shorter path"
        with pytest.raises(UsageError) as raised:
            require_machine(stack, force=True)
        assert str(raised.value) == message
    else:
        require_machine(stack, force=True)
        path.parent.mkdir(parents=True)
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))


def test_a_full_disk_is_refused(toy: ToyStack) -> None:
    """The message names the folder, the reason and what to do."""
    with small_disk(toy.root, 1) as disk:
        require_machine(toy.open(), force=True)
        disk.fill(free=0)
        with pytest.raises(MachineError) as raised:
            require_machine(toy.open(), force=True)
    assert str(raised.value) == f"cannot write {toy.root}: no space left on device; free some space or choose another folder"


def test_an_unmet_precondition_is_the_message(toy: ToyStack) -> None:
    """The workflow says what to do first; data that cannot be used is no obstacle to a fresh start."""
    toy.add_workflow("run", "stays=True, reason_not_ready=lambda *_: 'install it', reason_unusable=lambda *_: 'it is too old'")
    stack = toy.open()
    with pytest.raises(UsageError, match=r"^install it$"):
        require_met(stack, "run")
    with pytest.raises(UsageError, match=r"^it is too old$"):
        require_usable(stack, fresh=False)
    require_usable(stack, fresh=True)


def test_a_port_of_another_address_is_free(toy: ToyStack) -> None:
    """Only a listener on HOST_IP or on all addresses occupies it."""
    with socket.create_server(("127.0.0.2", 0)) as listener:
        toy.add_services(listener.getsockname()[1])
        require_ports(toy.open(), "run")
        with pytest.raises(PortTaken) as raised:
            require_ports(toy.open(HOST_IP="127.0.0.2"), "run")
    assert (raised.value.needed_by, raised.value.exit_code) == ("web", 5)
    assert f"(pid {os.getpid()})" in str(raised.value)
