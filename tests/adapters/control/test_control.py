"""The supervisor's control socket, used by our client and by curl."""

import json
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import anyio
import pytest

from novaflow.adapters.control.client import ControlClient
from novaflow.adapters.control.server import serve_control
from novaflow.errors import ComponentUnknown, StepFailed, UsageError
from novaflow.model.paths import Paths
from novaflow.plan.commands import ServiceCommand
from tests.support.programs import WITHIN_S


class Supervisor:
    """Handlers that respond like a supervisor's and keep what was requested."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.client = ControlClient(path)
        self.stops = list[str]()
        self.hangs = anyio.Event()
        self.has_metrics = True

    def serve(self) -> AbstractAsyncContextManager[None]:
        """Serve the control socket while the block runs."""
        return serve_control(self.path, self)

    def status(self) -> Mapping[str, Any]:
        """Return a stack's state."""
        return {"state": "ready"}

    def metrics(self) -> bytes:
        """Return metrics, unless they are not installed."""
        if not self.has_metrics:
            raise UsageError("metrics require an extra")
        return b"figures"

    def stop(self, reason: str) -> None:
        """Keep the reason."""
        self.stops.append(reason)

    async def run_workflow(self, name: str, arguments: Mapping[str, str], disconnect: Callable[[], Awaitable[None]]) -> Mapping[str, str]:
        """Succeed with ``verify``, never end with ``hang``, end ``wait`` when the client has disconnected, and refuse others."""
        match name:
            case "verify":
                return arguments
            case "wait":
                self.hangs.set()
                await disconnect()
                self.stops.append("disconnected")
                return {}
            case "hang":
                self.hangs.set()
                await anyio.sleep_forever()
        raise StepFailed(f"{name} failed")

    async def execute_service_command(self, command: ServiceCommand, name: str) -> Mapping[str, str]:
        """Fail, or refuse an unknown name."""
        if name == "wbe":
            raise ComponentUnknown(name, "web")
        return {name: f"{command} failed"}


@pytest.fixture
def supervisor(paths: Paths) -> Supervisor:
    """Return a supervisor that does not serve its socket yet."""
    return Supervisor(paths.control)


async def test_the_socket_is_served_when_the_block_begins(supervisor: Supervisor) -> None:
    """A request that is sent as soon as the block has begun is answered."""
    async with supervisor.serve():
        assert await supervisor.client.fetch_status() == {"state": "ready"}


async def test_only_the_owner_may_connect(supervisor: Supervisor) -> None:
    """The socket accepts requests to stop the stack, so its mode is 0600."""
    async with supervisor.serve():
        assert stat.S_IMODE(supervisor.path.stat().st_mode) == 0o600


async def test_a_stop_can_be_requested(supervisor: Supervisor) -> None:
    """The handler is called, and the client knows that the request was accepted."""
    async with supervisor.serve():
        assert await supervisor.client.request_stop()
    assert supervisor.stops == ["stop requested"]


async def test_a_workflow_is_run(supervisor: Supervisor) -> None:
    """The response comes when the workflow is done, and names the failed nodes: none."""
    async with supervisor.serve():
        assert await supervisor.client.run_workflow("verify") == {}


async def test_a_workflow_gets_the_arguments_of_the_command(supervisor: Supervisor) -> None:
    """Characters that have a meaning in a URL are part of the value."""
    arguments = {"tests": "tempest.api (a|b)&c=%d?", "other": ""}
    async with supervisor.serve():
        assert await supervisor.client.run_workflow("verify", arguments) == arguments


async def test_a_workflow_learns_that_the_client_has_disconnected(supervisor: Supervisor) -> None:
    """The command that waits for it was interrupted."""
    with anyio.fail_after(WITHIN_S):
        async with supervisor.serve():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(supervisor.client.run_workflow, "wait")
                await supervisor.hangs.wait()
                tasks.cancel_scope.cancel()
            while not supervisor.stops:
                await anyio.lowlevel.checkpoint()
    assert supervisor.stops == ["disconnected"]


async def test_a_refused_workflow_raises_the_error(supervisor: Supervisor) -> None:
    """The client raises the error with the handler's message."""
    async with supervisor.serve():
        with pytest.raises(UsageError, match=r"^rescue failed$"):
            await supervisor.client.run_workflow("rescue")


@pytest.mark.parametrize("command", ServiceCommand)
async def test_a_service_command_is_executed(supervisor: Supervisor, command: ServiceCommand) -> None:
    """The response comes when the command is done, and has each failed service's error."""
    async with supervisor.serve():
        assert await supervisor.client.send_service_command(command, "web") == {"web": f"{command} failed"}


async def test_a_command_for_an_unknown_service_is_refused(supervisor: Supervisor) -> None:
    """The error suggests the closest name."""
    async with supervisor.serve():
        with pytest.raises(UsageError, match="did you mean 'web'"):
            await supervisor.client.send_service_command(ServiceCommand.STOP, "wbe")


async def test_curl_can_use_the_socket(supervisor: Supervisor) -> None:
    """The protocol is HTTP with JSON."""
    async with supervisor.serve():
        with anyio.fail_after(WITHIN_S):
            response = await anyio.run_process(["curl", "--silent", "--unix-socket", str(supervisor.path), "http://supervisor/status"])
    assert json.loads(response.stdout) == {"state": "ready"}


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nope", 404), ("GET", "/stop", 405), ("POST", "/services/web/halt", 404)])
async def test_unknown_requests_are_refused(supervisor: Supervisor, method: str, path: str, status: int) -> None:
    """A path, a method or a command that does not exist is an HTTP error, and nothing is executed."""
    async with supervisor.serve():
        command = ["curl", "-so", "/dev/null", "-w", "%{http_code}", "-X", method, "--unix-socket", str(supervisor.path)]
        response = await anyio.run_process([*command, f"http://supervisor{path}"])
    assert response.stdout.decode() == str(status)
    assert supervisor.stops == []


async def test_without_a_supervisor_there_is_no_status(supervisor: Supervisor) -> None:
    """A stack that is down has no status and accepts no stop; neither is an error."""
    assert await supervisor.client.fetch_status() is None
    assert not await supervisor.client.request_stop()


async def test_a_workflow_needs_a_stack_that_is_up(supervisor: Supervisor) -> None:
    """The message names the command that brings it up."""
    with pytest.raises(UsageError, match=r"^the stack is not up \(.*\); bring it up with `novaflow up`$"):
        await supervisor.client.run_workflow("verify")


async def test_the_socket_of_a_killed_supervisor_is_replaced(supervisor: Supervisor) -> None:
    """A socket without a listener neither answers nor prevents the next supervisor from listening."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(supervisor.path))
    assert await supervisor.client.fetch_status() is None
    async with supervisor.serve():
        assert await supervisor.client.fetch_status() == {"state": "ready"}
    assert not supervisor.path.exists()


@pytest.mark.slow
async def test_a_running_workflow_does_not_delay_the_end(supervisor: Supervisor, caplog: pytest.LogCaptureFixture) -> None:
    """A client that waits for a workflow receives an error when the server stops."""

    async def request() -> None:
        with pytest.raises(UsageError, match=r"^the stack was stopped before hang was done$"):
            await supervisor.client.run_workflow("hang")

    with anyio.fail_after(WITHIN_S):
        async with anyio.create_task_group() as tasks, supervisor.serve():
            tasks.start_soon(request)
            await supervisor.hangs.wait()
    assert not supervisor.path.exists()
    assert "timeout graceful shutdown exceeded" in caplog.text


@pytest.mark.parametrize(
    ("has_metrics", "response"), [(True, "200 text/plain figures"), (False, "501 text/plain metrics require an extra\n")]
)
async def test_metrics_are_text(supervisor: Supervisor, has_metrics: bool, response: str) -> None:  # noqa: FBT001
    """Metrics are text for Prometheus; without the extra, the response says how to install it."""
    supervisor.has_metrics = has_metrics
    async with supervisor.serve():
        command = ["curl", "-sSi", "--unix-socket", str(supervisor.path), "http://supervisor/metrics"]
        head, _, body = (await anyio.run_process(command)).stdout.decode().partition("\r\n\r\n")
    status, kind = head.split()[1], head.partition("content-type: ")[2].partition(";")[0]
    assert f"{status} {kind} {body}" == response
