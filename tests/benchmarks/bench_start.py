"""Measures the start of commands: `python -m tests.benchmarks.bench_start --runs 20`; nova.sh creates its environment first."""

import argparse
import sys
from pathlib import Path

from tests.benchmarks.table import NOVAFLOW, Row, print_table, seconds, supervisor_mib

NOVA_SH = Path(__file__).parents[2] / "nova.sh"


def main() -> None:
    """Measure the commands in turns and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="how often each is measured")
    parser.add_argument("--stack", type=Path, help="also the memory of the supervisor of this stack, which is up")
    chosen = parser.parse_args()
    commands = {
        "`python -c pass`, for comparison": (sys.executable, "-c", "pass"),
        "`novaflow --help`": (NOVAFLOW, "--help"),
        "`nova.sh --help`": (NOVA_SH, "--help"),
        "`novaflow status`, no stack": (NOVAFLOW, "status", "/nonexistent"),
        "`novaflow graph run`": (NOVAFLOW, "graph", "run"),
    }
    goals = {"`novaflow --help`": "0.3 s"}
    for argv in commands.values():
        seconds(*argv, good=(0, 6))  # fills the disk cache
    figures: dict[str, list[float]] = {what: [] for what in commands}
    for _ in range(chosen.runs):
        for what, argv in commands.items():
            figures[what].append(seconds(*argv, good=(0, 6)))
    rows: list[Row] = [(what, figures[what], "s", goals.get(what, "")) for what in commands]
    if chosen.stack:
        rows.append(("memory of the supervisor", [supervisor_mib(chosen.stack.resolve())], "MiB", "60 MiB"))
    print_table(rows)


if __name__ == "__main__":
    main()
