"""The processor time and memory of programs, including their descendants."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from novaflow.model.status import Usage


class Meter:
    """Measures programs and their descendants between two calls."""

    def __init__(self) -> None:
        self._used_s: Mapping[int, float] = {}
        self._measured_at_s = 0.0

    def measure(self, leaders: Mapping[str, int], now_s: float) -> Mapping[str, Usage]:
        """Return the resource use of each leader and its descendants since the last call; ``leaders`` maps a name to a process id."""
        names = {pid: name for name, pid in leaders.items()}
        groups = self._find_groups(names)
        parents = {process.pid: process for process in psutil.process_iter(["ppid", "cpu_times", "memory_info"])}
        used_s, memory, processor_s = dict[int, float](), dict.fromkeys(leaders, 0), dict.fromkeys(leaders, 0.0)
        for pid, process in parents.items():
            name = groups.get(self._read_group(pid)) or self._find_leader_name(pid, names, parents)
            if name is None or process.info["cpu_times"] is None or process.info["memory_info"] is None:
                continue
            times = process.info["cpu_times"]
            used_s[pid] = times.user + times.system
            processor_s[name] += used_s[pid] - self._used_s.get(pid, used_s[pid])
            memory[name] += process.info["memory_info"].rss
        span_s, self._measured_at_s, self._used_s = now_s - self._measured_at_s, now_s, used_s
        return {name: Usage(100 * processor_s[name] / span_s, memory[name] / 2**20) for name in leaders}

    @classmethod
    def _find_groups(cls, names: Mapping[int, str]) -> Mapping[str, str]:
        """Return the leader of each control group that only one leader is in; where groups cannot be used, all are in one."""
        groups = {name: cls._read_group(pid) for pid, name in names.items()}
        return {group: name for name, group in groups.items() if group and [*groups.values()].count(group) == 1}

    @staticmethod
    def _read_group(pid: int) -> str:
        with suppress(OSError):  # it has exited
            return Path(f"/proc/{pid}/cgroup").read_text().rpartition("0::")[2]
        return ""

    @staticmethod
    def _find_leader_name(pid: int, names: Mapping[int, str], parents: Mapping[int, psutil.Process]) -> str | None:
        """Return the name of the leader that a process outside their groups belongs to, by its session or its ancestors."""
        with suppress(OSError):
            if (session := os.getsid(pid)) in names:
                return names[session]
        while pid in parents and pid > 1:
            if pid in names:
                return names[pid]
            pid = parents[pid].info["ppid"] or 0
        return None
