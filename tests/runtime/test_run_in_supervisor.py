"""Workflows and service commands that a supervisor executes while the services run."""

import pytest

from novaflow.errors import ComponentUnknown, RunError, UsageError
from novaflow.plan.commands import ServiceCommand
from novaflow.runtime.run_in_supervisor import run_in_supervisor
from novaflow.runtime.service_control import control_services
from tests.support.supervisors import NO_STATUS, RecordingDisplay, ScriptedSupervisor, supervising
from tests.support.toy_stack import ToyStack


async def test_the_events_of_this_execution_are_shown(toy: ToyStack) -> None:
    """Events of the services, which have another run, are not; the first event only marks the beginning."""
    display = RecordingDisplay()
    async with supervising(ScriptedSupervisor(toy)) as supervisor:
        await run_in_supervisor(toy.open(), "verify", display)
    assert supervisor.requests == ["run verify"]
    assert display.events == ["extra.body started", "verify succeeded"]


async def test_the_progress_of_running_steps_is_shown(toy: ToyStack) -> None:
    """The supervisor reports it with its status."""
    display = RecordingDisplay()
    notes = {"extra.body": {"text": "half done", "fraction": 0.5}}
    async with supervising(ScriptedSupervisor(toy, {**NO_STATUS, "notes": notes}, pause_s=0.1)):
        await run_in_supervisor(toy.open(), "verify", display)
    assert display.progress == [("extra.body", "half done", 0.5)]


async def test_each_failed_node_has_a_line(toy: ToyStack) -> None:
    """The error names the workflow, the node and the reason; the exit code is 3."""
    failures = {"verify.boot": "no valid host", "verify.ping": "no reply"}
    async with supervising(ScriptedSupervisor(toy, failures=failures)):
        with pytest.raises(RunError) as raised:
            await run_in_supervisor(toy.open(), "verify", RecordingDisplay())
    assert str(raised.value) == "verify failed: verify.boot: no valid host\nverify failed: verify.ping: no reply"
    assert (raised.value.exit_code, raised.value.nodes) == (3, ("verify.boot", "verify.ping"))


async def test_a_refusal_of_the_supervisor_is_a_usage_error(toy: ToyStack) -> None:
    """Its message is passed on."""
    refusal = UsageError("workflow 'install' cannot run while the stack is up")
    async with supervising(ScriptedSupervisor(toy, refusal=refusal)):
        with pytest.raises(UsageError, match=r"^workflow 'install' cannot run while the stack is up$"):
            await run_in_supervisor(toy.open(), "install", RecordingDisplay())


@pytest.mark.parametrize("command", ServiceCommand)
async def test_a_service_command_is_sent(toy: ToyStack, command: ServiceCommand) -> None:
    """The name is that of a service, a component or an alias."""
    toy.add_services()
    async with supervising(ScriptedSupervisor(toy)) as supervisor:
        for name in ("web-worker", "web", "httpd"):
            await control_services(toy.open(), command, name, RecordingDisplay())
    assert supervisor.requests == [f"{command} web-worker", f"{command} web", f"{command} httpd"]


async def test_each_failed_service_has_a_line(toy: ToyStack) -> None:
    """The error names the command, the service and the reason."""
    toy.add_services()
    async with supervising(ScriptedSupervisor(toy, failures={"web": "exited with 1", "web-worker": "web is down"})):
        with pytest.raises(RunError, match=r"^restart of web failed: exited with 1\nrestart of web-worker failed: web is down$") as raised:
            await control_services(toy.open(), ServiceCommand.RESTART, "web", RecordingDisplay())
    assert raised.value.nodes == ("web", "web-worker")


async def test_a_misspelt_service_is_not_sent(toy: ToyStack) -> None:
    """The suggestion is the nearest name."""
    toy.add_services()
    async with supervising(ScriptedSupervisor(toy)) as supervisor:
        with pytest.raises(ComponentUnknown, match=r"^unknown component 'wbe'; did you mean 'web'\?$"):
            await control_services(toy.open(), ServiceCommand.STOP, "wbe", RecordingDisplay())
    assert supervisor.requests == []
