"""Programs and processes: start, find, measure and end them."""

from novaflow.adapters.process.cgroups import Cgroup, find_base, find_stack_cgroup
from novaflow.adapters.process.exec_program import replace_process
from novaflow.adapters.process.hooks import Hooks
from novaflow.adapters.process.limits import set_descriptor_limit
from novaflow.adapters.process.listeners import ListeningPorts, ServedPorts, find_listener
from novaflow.adapters.process.process_ownership import (
    ProcessOwner,
    count_processes,
    describe_process,
    end_group,
    end_processes,
    find_leader,
    find_processes,
    find_users_of_removed,
    is_suspended,
    used_processor_s,
)
from novaflow.adapters.process.programs import (
    SYSTEM_PATH,
    Command,
    adopting,
    run_to_end,
    running,
    start_detached,
    watching_without_threads,
)
from novaflow.adapters.process.running_process import RunningProcess
from novaflow.adapters.process.subreaper import become_subreaper, reap_orphans
from novaflow.adapters.process.usage import Meter

__all__ = [
    "SYSTEM_PATH",
    "Cgroup",
    "Command",
    "Hooks",
    "ListeningPorts",
    "Meter",
    "ProcessOwner",
    "RunningProcess",
    "ServedPorts",
    "adopting",
    "become_subreaper",
    "count_processes",
    "describe_process",
    "end_group",
    "end_processes",
    "find_base",
    "find_leader",
    "find_listener",
    "find_processes",
    "find_stack_cgroup",
    "find_users_of_removed",
    "is_suspended",
    "reap_orphans",
    "replace_process",
    "run_to_end",
    "running",
    "set_descriptor_limit",
    "start_detached",
    "used_processor_s",
    "watching_without_threads",
]
