"""The start of a stack at boot: what needs no init system; tests/system has the rest."""

import re

import pytest

from novaflow.errors import UsageError
from novaflow.runtime.boot import cancel_restarts, describe_boot, describe_entries, disable_boot, enable_boot, remove_entries
from tests.support.toy_stack import ToyStack


async def test_a_stack_without_entry_is_not_started(toy: ToyStack) -> None:
    """There is nothing to disable, to cancel or to remove."""
    stack = toy.open()
    assert await describe_boot(stack) == {"stack": "nova", "state": "off", "kind": None, "path": None}
    assert [*await disable_boot(stack), *describe_entries(stack)] == []
    await cancel_restarts(stack)
    await remove_entries(stack)


async def test_a_stack_that_does_not_exist_cannot_be_enabled(toy: ToyStack) -> None:
    """The message says what creates one."""
    with pytest.raises(UsageError, match=f"^there is no stack in {re.escape(str(toy.root))}; `novaflow up` creates one$"):
        await enable_boot(toy.open())


async def test_a_stack_that_is_not_installed_cannot_be_enabled(toy: ToyStack) -> None:
    """It would not come up; the reason is that of the workflow `run`."""
    toy.root.mkdir()
    toy.add_workflow("run", "stays=True, reason_not_ready=lambda *_: 'run `novaflow install` first'")
    with pytest.raises(UsageError, match=r"^run `novaflow install` first$"):
        await enable_boot(toy.open())


async def test_settings_of_this_command_alone_are_refused(toy: ToyStack) -> None:
    """The start at boot reads the files of the stack; the message names each setting, its origin and the file."""
    toy.root.mkdir()
    (toy.root / ".env").write_text(f"NOVAFLOW_WORKFLOWS={toy.workflows}\nNOVAFLOW_JOBS=3\n")
    expected = (
        f"a start at boot would not have the value of HOST_IP (command line), NOVAFLOW_JOBS (command line); write it into {toy.root}/.env"
    )
    with pytest.raises(UsageError) as raised:
        await enable_boot(toy.open(HOST_IP="127.0.0.2", NOVAFLOW_JOBS="2"))
    assert str(raised.value) == expected
