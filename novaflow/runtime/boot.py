"""Starts a stack at boot: registers it with the init system of the machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from novaflow.adapters.init_system import BootEntry, BootState, find_entries, new_entry
from novaflow.errors import UsageError
from novaflow.model.orphan import OrphanedResource
from novaflow.runtime.preflight import require_met
from novaflow.runtime.stack import Stack, open_stack
from novaflow.settings.texts import write_texts


@dataclass(frozen=True, slots=True)
class Enabled:
    """The result of ``enable_boot``: the entry, and whether anything was changed."""

    entry: BootEntry
    is_changed: bool


async def enable_boot(stack: Stack) -> Enabled:
    """Start the stack at every boot; do nothing if it is already so.

    Raises: UsageError, if the stack is not installed, or if its settings would be others at boot; MachineError, without a
    known init system or the right to write its files; RunError, if the init system refuses.
    """
    if not stack.paths.root.is_dir():
        raise UsageError(f"there is no stack in {stack.paths.root}; `novaflow up` creates one")
    require_met(stack, "run")
    _require_settings_at_boot(stack)
    entry = new_entry(stack.paths.root)
    is_changed = entry.state is not BootState.ON
    if is_changed:
        await entry.install()
    return Enabled(entry, is_changed)


async def disable_boot(stack: Stack) -> Sequence[BootEntry]:
    """Remove every entry of the stack, and return them.

    Raises: UsageError, if the init system runs the stack; MachineError, without the right to do so; RunError, if the init
    system refuses.
    """
    entries = find_entries(stack.paths.root)
    for entry in entries:
        if state := await entry.find_running():
            raise UsageError(f"{entry.name} is {state}; stop the stack with `novaflow clean` first: the unit restarts its supervisor")
    for entry in entries:
        await entry.remove()
    return entries


async def describe_boot(stack: Stack) -> Mapping[str, Any]:
    """Return the object that `boot status --json` prints."""
    entry = next(iter(find_entries(stack.paths.root)), None)
    return {
        "stack": stack.name,
        "state": BootState.OFF if entry is None else entry.state,
        "kind": None if entry is None else entry.kind,
        "path": None if entry is None else str(entry.path),
    }


async def cancel_restarts(stack: Stack) -> None:
    """Prevent that the init system starts a stack again that is being stopped, while its supervisor is down."""
    for entry in find_entries(stack.paths.root):
        await entry.cancel_restart()


def describe_entries(stack: Stack) -> Sequence[OrphanedResource]:
    """Return every entry of the stack as something that a scrub removes."""
    return [
        OrphanedResource("boot", str(entry.path), f"the {entry.kind} that starts the stack at boot")
        for entry in find_entries(stack.paths.root)
    ]


async def remove_entries(stack: Stack) -> None:
    """Remove every entry of a stack that is not running."""
    for entry in find_entries(stack.paths.root):
        await entry.remove()


def _require_settings_at_boot(stack: Stack) -> None:
    """Return if the settings of this command are those that the start at boot reads.

    Raises: UsageError, naming those that are not.
    """
    root = stack.paths.root
    at_boot = write_texts(open_stack(root, {}, environ={}, cwd=root.parent).settings)
    others = [f"{name} ({stack.loaded.origins[name]})" for name, text in write_texts(stack.settings).items() if at_boot.get(name) != text]
    if others:
        raise UsageError(f"a start at boot would not have the value of {', '.join(others)}; write it into {root}/.env")
