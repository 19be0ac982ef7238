"""What novaflow found and did on a machine, for those who work on novaflow: the file of `doctor --report`."""

import platform
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from novaflow.adapters.storage import read_journal
from novaflow.events.types import ServiceChanged, ServiceState, StepChanged, StepState, WorkflowChanged, WorkflowState
from novaflow.model.check import CheckResult
from novaflow.model.component import declared
from novaflow.model.software import Software, SoftwareSource
from novaflow.runtime.settings_report import describe_settings
from novaflow.runtime.stack import Stack
from novaflow.settings.group import count_processors
from novaflow.settings.os_release import read_os_release

# What differs most between machines.
FACTS = {
    "first_process": "/proc/1/comm",
    "security_modules": "/sys/kernel/security/lsm",
    "cgroup_controllers": "/sys/fs/cgroup/cgroup.controllers",  # absent with version 1
}
LATEST = 20  # executions of workflows


def describe_machine(stack: Stack, results: Iterable[CheckResult]) -> dict[str, Any]:
    """Return the object that `doctor --report` writes; ``results`` are those of the checks of the machine.

    It contains no secrets: settings are masked, and the output of programs is not in it, only the names and reasons of what failed.
    """
    release, uname = read_os_release(), platform.uname()
    return {
        "novaflow": version("novaflow"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "distribution": {name: release[name] for name in ("ID", "VERSION_ID", "ID_LIKE", "PRETTY_NAME") if name in release},
        "kernel": f"{uname.system} {uname.release} {uname.machine}",
        "python": platform.python_version(),
        "processors": count_processors(),
        "facts": {name: _read(Path(path)) for name, path in FACTS.items()},
        "checks": [asdict(result) for result in results],
        "settings": {name: one for name, one in describe_settings(stack.loaded).items() if one["origin"] != "default"},
        "software": {one.name: one.version for source in declared(stack.components, SoftwareSource) for one in _find(source, stack)},
        "workflows": [*_describe_workflows(stack)][-LATEST:],
    }


def _read(path: Path) -> str | None:
    """Return the text of a file; ``None`` if it does not exist or this user may not read it."""
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").strip()
    return None


def _find(source: SoftwareSource, stack: Stack) -> Iterable[Software]:
    return source.find(stack.components, stack.paths) if stack.paths.root.exists() else ()


def _describe_workflows(stack: Stack) -> Iterator[dict[str, object]]:
    """Yield each execution of a workflow that has ended, with the nodes that failed and why."""
    reasons: dict[str, str] = {}
    for record in read_journal(stack.paths.journal):
        match record.event:
            case WorkflowChanged(state=WorkflowState.STARTED):
                reasons.clear()
            case WorkflowChanged() as ended:
                failed = {name: reasons.get(name, "") for name in ended.failed}
                yield {"name": ended.name, "time": record.time.isoformat(timespec="seconds"), "state": ended.state} | {
                    "duration_s": ended.duration_s,
                    "failed": failed,
                }
            case StepChanged(state=StepState.FAILED) | ServiceChanged(state=ServiceState.FAILED) as failure:
                reasons[failure.name] = failure.reason.partition("\n")[0]
            case _:
                pass
