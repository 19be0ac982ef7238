"""Measurements of whole commands, printed as Markdown."""

# ruff: noqa: S603, T201, TID251 - for programs that print, and measure other programs

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

NOVAFLOW = Path(sys.executable).with_name("novaflow")

Row = tuple[str, Sequence[float], str, str]  # name, figures, unit, goal


def seconds(*argv: str | Path, env: Mapping[str, str] | None = None, good: Sequence[int] = (0,)) -> float:
    """Return the duration of a command; its exit code must be one of ``good``."""
    # A development environment may forbid Python's cache of compiled modules, which users have.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.monotonic()
    done = subprocess.run(argv, env={**environ, **(env or {})}, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    took_s = time.monotonic() - began
    if done.returncode not in good:
        sys.exit(f"{' '.join(map(str, argv))} ended with {done.returncode}:\n{(done.stdout + done.stderr).decode()[-3000:]}")
    return took_s


def write_workflows(folder: Path, files: Mapping[str, str]) -> None:
    """Write a folder of workflows with these files; one of a component is below ``components``."""
    for name, text in {"__init__.py": "", "components/__init__.py": "", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def supervisor_mib(folder: Path) -> float:
    """Return the resident memory of the supervisor of a running stack."""
    return float(psutil.Process(_find_supervisor(folder)).memory_info().rss) / 2**20


def _find_supervisor(folder: Path) -> int:
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "supervise" in words and str(folder) in words:
            return process.pid
    sys.exit(f"no supervisor of {folder} runs")


def memory_by_service(folder: Path) -> dict[str, float]:
    """Return the proportional memory of each service of the only stack of this machine in MiB, by control groups."""
    done = subprocess.run([NOVAFLOW, "status", "--json", folder], capture_output=True, check=True, stdin=subprocess.DEVNULL)
    memory = dict.fromkeys((service["name"] for service in json.loads(done.stdout)["services"]), 0.0)
    for process in psutil.process_iter():
        with suppress(OSError, psutil.Error):
            group = Path(f"/proc/{process.pid}/cgroup").read_text().strip().rpartition("/")[2]
            if group in memory:
                memory[group] += process.memory_full_info().pss / 2**20
    return memory


@dataclass(frozen=True, slots=True)
class Usage:
    """The processor time used in a period, as a share of one core."""

    services: float
    supervisor: float


def usage_at_rest(folder: Path, period_s: float) -> Usage:
    """Return the usage of the only stack of this machine during the next seconds."""
    supervisor = psutil.Process(_find_supervisor(folder))
    groups = [*Path("/sys/fs/cgroup").glob("**/novaflow-*/cpu.stat")]

    def used_s() -> tuple[float, float]:
        services = sum(int(group.read_text().split()[1]) for group in groups) / 1e6
        times = supervisor.cpu_times()
        return services, times.user + times.system

    before = used_s()
    time.sleep(period_s)
    return Usage(*((now - then) / period_s for now, then in zip(used_s(), before, strict=True)))


def processor_s(folder: Path) -> float:
    """Return the processor time in seconds that the last start of a stack has used."""
    done = subprocess.run([NOVAFLOW, "timings", "--json", "run", folder], capture_output=True, check=True, stdin=subprocess.DEVNULL)
    return float(json.loads(done.stdout)["cpu_s"])


def print_table(rows: Sequence[Row]) -> None:
    """Print the median and the range of each figure."""
    print(f"\n{describe_machine()}\n")
    print("| what | median | range | runs | goal |\n|---|--:|---|--:|---|")
    for what, figures, unit, goal in rows:
        low, high = min(figures), max(figures)
        print(f"| {what} | {statistics.median(figures):.3g} {unit} | {low:.3g} to {high:.3g} | {len(figures)} | {goal} |")


def describe_machine() -> str:
    """Return a description of this machine."""
    model = next((line.partition(": ")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    memory_gib = round(psutil.virtual_memory().total / 2**30)
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores ({model or platform.machine()}), {memory_gib} GiB, {system}, Linux {platform.release()}, "
        f"Python {platform.python_version()}; load at the end {load:.1f}."
    )
