"""How fast a cloud comes and goes: `python -m tests.benchmarks.bench_cloud --runs 3`, as root; a run takes 5 minutes."""

# ruff: noqa: T201 - a program for people

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.table import NOVAFLOW, Row, print_table, seconds, supervisor_mib
from tests.cloud.fresh import fresh_machine

UP_WITHIN_S = 1800


def main() -> None:
    """Measure what was asked for, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured")
    parser.add_argument("--only", choices=MEASURES, action="append", help="leave the others out")
    chosen = parser.parse_args()
    print_table([row for name in chosen.only or MEASURES for row in MEASURES[name](chosen.runs)])


def measure_fresh(runs: int) -> Iterator[Row]:
    """Measure `nova.sh up` on machines that have nothing, downloads included."""
    took_s: list[float] = []
    for _ in range(runs):
        with fresh_machine() as machine:
            began = time.monotonic()
            machine.run("./nova.sh", "up", within_s=UP_WITHIN_S)
            took_s.append(time.monotonic() - began)
            print(f"fresh up: {took_s[-1]:.1f} s", flush=True)
            machine.run("./nova.sh", "clean", within_s=120)
    yield "`nova.sh up` on an empty Debian, downloads included", took_s, "s", "150 s"


def measure_run(runs: int) -> Iterator[Row]:
    """Measure a machine that is installed: run, clean, and what the supervisor takes."""
    room = Path(tempfile.mkdtemp(prefix="nf-bench-"))
    stack = room / "nova"
    try:
        seconds(NOVAFLOW, "install", stack)
        again_s = [seconds(NOVAFLOW, "install", stack) for _ in range(runs)]
        ready_s, one_by_one_s, clean_s, memory_mib = [], [], [], []
        for _ in range(runs):
            # In turns, so that both see the same machine.
            ready_s.append(seconds(NOVAFLOW, "run", "--wait-ready", stack))
            memory_mib.append(supervisor_mib(stack))
            clean_s.append(seconds(NOVAFLOW, "clean", stack))
            one_by_one_s.append(seconds(NOVAFLOW, "run", "--wait-ready", stack, env={"NOVAFLOW_JOBS": "1"}))
            seconds(NOVAFLOW, "clean", stack)
            print(f"run {ready_s[-1]:.1f} s, with one job {one_by_one_s[-1]:.1f} s, clean {clean_s[-1]:.1f} s", flush=True)
    finally:
        seconds(NOVAFLOW, "clean", stack)
        shutil.rmtree(room)
    yield "`install` where everything is there", again_s, "s", "3 s"
    yield "`run --wait-ready`", ready_s, "s", "45 s"
    yield "the same with `NOVAFLOW_JOBS=1`", one_by_one_s, "s", ""
    yield "its ratio to the one above", [slow / fast for slow, fast in zip(one_by_one_s, ready_s, strict=True)], "", ""
    yield "`clean`", clean_s, "s", "8 s"
    yield "memory of the supervisor, cloud up", memory_mib, "MiB", "60 MiB"


MEASURES: dict[str, Callable[[int], Iterator[Row]]] = {"fresh": measure_fresh, "run": measure_run}

if __name__ == "__main__":
    main()
