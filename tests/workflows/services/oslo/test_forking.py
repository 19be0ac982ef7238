"""Fork servers as services, and the services that they fork."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import anyio
import pytest

from novaflow.model.probe import FunctionProbe, HttpProbe, NotYet
from novaflow.model.service import Service, fork_socket
from tests.support.contexts import open_context
from tests.support.fork_servers import running_server, write_script
from tests.support.settings import make_settings
from workflows.services.neutron.component import COMPONENT as NEUTRON
from workflows.services.nova.component import COMPONENT as NOVA
from workflows.services.oslo.forking import ForkServer, helper_command

SERVER = ForkServer("toy", ("json", "csv"), repeated=("csv",))
WEB = Service("web", "A web server.", lambda _: ("/bin/true",), HttpProbe(80), after=("database",))


def test_a_forked_service_starts_after_its_server() -> None:
    """It keeps its other needs."""
    service = SERVER.fork(WEB)
    assert (service.fork_server, service.after, service.name) == ("toy-fork-server", ("database", "toy.modules"), "web")


async def test_a_server_gets_its_socket_and_its_modules(tmp_path: Path) -> None:
    """It runs in the Python environment of the stack."""
    async with open_context(tmp_path) as ctx:
        python, option, _, socket, modules, repeated = map(str, SERVER.service().command(ctx))
    assert (python, option, socket) == (f"{tmp_path}/venv/bin/python", "-P", f"{tmp_path}/run/toy-fork-server.sock")
    assert (modules, repeated) == ("json,csv", "csv")


@pytest.mark.parametrize(("environment", "expected"), [({}, True), ({"novaflow_fork": True}, True), ({"novaflow_fork": False}, False)])
def test_forking_is_a_setting(environment: Mapping[str, bool], *, expected: bool) -> None:
    """NOVAFLOW_FORK=0 leaves the servers out of the stack."""
    settings = make_settings(**environment)
    names = {"nova-fork-server", "neutron-fork-server", "modules"}
    parts = [part for component in (NOVA, NEUTRON) for part in component.parts["run"] if part.name in names]
    assert [part.when(settings) for part in parts] == [expected] * 4


async def test_a_server_is_ready_when_it_answers(tmp_path: Path) -> None:
    """A socket that nothing reads is not enough."""
    probe = SERVER.service().ready
    assert isinstance(probe, FunctionProbe)
    async with open_context(tmp_path) as ctx:
        path = fork_socket(ctx.paths, SERVER.name)
        with pytest.raises(NotYet, match="no answer: FileNotFoundError"):
            await probe.check(ctx)
        path.parent.mkdir(exist_ok=True)
        async with running_server(path.parent, path=path):
            assert await probe.check(ctx) == "it has answered a request"
        with pytest.raises(NotYet, match="no answer: ConnectionRefusedError"):
            await probe.check(ctx)


async def test_a_helper_is_forked(tmp_path: Path) -> None:
    """Its command can be split at spaces, as oslo.privsep does, and runs the helper."""
    async with open_context(tmp_path) as ctx:
        command = shlex.split(helper_command(ctx, SERVER, "/bin/echo", "a b"))
        assert command[1:4] == ["-S", "-E", "-P"]
        assert command[-3:] == [f"{tmp_path}/run/toy-fork-server.sock", "/bin/echo", "a b"]
        assert helper_command(ctx, None, "/bin/echo", "a") == "/bin/echo a"
        folder = fork_socket(ctx.paths, SERVER.name).parent
        folder.mkdir(exist_ok=True)
        script = write_script(tmp_path / "script", "import sys\nprint('runpy' in sys.modules)")
        async with running_server(folder, path=fork_socket(ctx.paths, SERVER.name)):
            done = await anyio.run_process([sys.executable, *command[1:-2], str(script)])
    assert done.stdout == b"True\n"


async def test_without_forking_a_helper_starts_alone(tmp_path: Path) -> None:
    """NOVAFLOW_FORK=0 leaves the command as it is."""
    async with open_context(tmp_path, settings=make_settings(novaflow_fork=False)) as ctx:
        assert helper_command(ctx, SERVER, "/bin/echo", "a") == "/bin/echo a"
