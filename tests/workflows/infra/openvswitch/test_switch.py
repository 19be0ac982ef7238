"""The switch of a stack: its probes, its bridges and its checks."""

from collections.abc import Callable
from pathlib import Path

import pytest

from novaflow.adapters.local import NodeContext
from novaflow.model.check import CheckResult, Severity
from novaflow.model.paths import Paths
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.service import Service
from tests.support.settings import make_settings
from tests.support.stand_ins import StandIns
from workflows.infra.openvswitch.bridges import datapath_type, ovs_environment
from workflows.infra.openvswitch.component import OVSDB, VSWITCHD, bridges, check_bridges, check_datapath

MakeContext = Callable[..., NodeContext]


async def probe(service: Service, ctx: NodeContext) -> str:
    """Return the answer of the readiness probe of a service."""
    assert isinstance(service.ready, FunctionProbe)
    return await service.ready.check(ctx)


@pytest.mark.parametrize(
    ("service", "program", "script", "answer", "call"),
    [
        (OVSDB, "ovs-vsctl", "exit 0", "answered ovs-vsctl init", "ovs-vsctl --timeout=2 --db=unix:{run}/ovs/db.sock --no-wait init"),
        (
            VSWITCHD,
            "ovs-appctl",
            "echo 'ovs-vswitchd 3.1.0'; echo 'DPDK none'",
            "answered ovs-appctl version with ovs-vswitchd 3.1.0",
            "ovs-appctl --timeout=2 -t {run}/ovs/ovs-vswitchd.ctl version",
        ),
    ],
    ids=["database", "switch"],
)
async def test_a_program_that_answers_is_ready(  # noqa: PLR0913, PLR0917 - a row of the table
    make_context: MakeContext, service: Service, program: str, script: str, answer: str, call: str
) -> None:
    """The probe uses the socket of the stack; a failure is answered with the output of the program."""
    ctx = make_context()
    programs = StandIns(ctx)
    programs.add(program, script=script)
    assert await probe(service, ctx) == answer
    assert programs.calls == [call.format(run=ctx.paths.run)]
    programs.add(program, script="echo 'db.sock: connection failed' >&2; exit 1")
    with pytest.raises(NotYet, match=r"^db\.sock: connection failed$"):
        await probe(service, ctx)


@pytest.mark.parametrize("service", [OVSDB, VSWITCHD], ids=["database", "switch"])
async def test_every_file_is_in_the_folder_of_the_stack(make_context: MakeContext, service: Service) -> None:
    """Another switch of the machine, in the default folders, is not touched."""
    ctx = make_context()
    paths = [str(word).rpartition("=")[2].removeprefix("punix:").removeprefix("unix:") for word in service.command(ctx)[1:]]
    assert {Path(path).is_relative_to(ctx.paths.root) for path in paths if path.startswith("/")} == {True}
    assert service.env is ovs_environment
    assert {Path(path).is_relative_to(ctx.paths.root) for path in ovs_environment(ctx).values()} == {True}


async def test_chosen_interfaces_are_added_to_their_bridges(make_context: MakeContext) -> None:
    """One command creates all bridges; INTERFACE is in br-ex, FLAT_INTERFACE in br-net, and both are set up before."""
    ctx = make_context(interface="eth7", flat_interface="eth8")
    programs = StandIns(ctx)
    programs.add("ip", "ovs-vsctl")
    kind = datapath_type()
    assert await bridges.body(ctx) == f"br-int, br-net, br-ex; datapath {kind}"
    assert programs.calls[:2] == ["ip link set eth7 up", "ip link set eth8 up"]
    added = " -- ".join(f"--may-exist add-br {name} -- set bridge {name} datapath_type={kind}" for name in ("br-int", "br-net", "br-ex"))
    expected = f"ovs-vsctl --timeout=20 --db=unix:{ctx.paths.run}/ovs/db.sock {added} -- add-port br-ex eth7 -- add-port br-net eth8"
    assert programs.calls[2] == expected


async def test_without_interfaces_the_bridges_have_no_ports(make_context: MakeContext) -> None:
    """No link of the machine is changed."""
    ctx = make_context()
    programs = StandIns(ctx)
    programs.add("ip", "ovs-vsctl")
    await bridges.body(ctx)
    assert "add-port" not in programs.calls[0]


def test_unused_bridges_are_good(tmp_path: Path) -> None:
    """The result lists their names."""
    found = "br-int, br-net, br-ex are unused or belong to this stack"
    (tmp_path / "run/ovs").mkdir(parents=True)
    (tmp_path / "run/ovs/ovs-vswitchd.pid").touch()
    assert check_bridges(make_settings(), Paths(tmp_path)) == CheckResult("bridges", Severity.GOOD, found)


def test_the_check_and_the_configuration_agree_on_the_datapath(tmp_path: Path) -> None:
    """A machine without the kernel module gets a warning and the datapath in userspace."""
    is_good = check_datapath(make_settings(), Paths(tmp_path)).severity is Severity.GOOD
    assert datapath_type() == ("system" if is_good else "netdev")
