"""Measures the overhead of 1,000 steps in ten layers, compared with make: `python -m tests.benchmarks.bench_graph --runs 5`."""

# ruff: noqa: T201 - a program for people

import argparse
import json
import shutil
import tempfile
from pathlib import Path

from tests.benchmarks.table import NOVAFLOW, Row, print_table, seconds, write_workflows

LAYERS, WIDTH, AT_ONCE = 10, 100, 8
NEEDS = 3  # needs of each node, in the layer below
WORKFLOW = """
from novaflow.model.workflow import Workflow

WORKFLOW = Workflow("install", "Nothing, a thousand times.")
"""
COMPONENT = f'''
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import ConcurrencyPool, Step


async def true(ctx: Context) -> None:
    """Do nothing, in a program of its own."""
    await ctx.run("/bin/true")


def needs(layer: int, place: int) -> tuple[str, ...]:
    return tuple(f"toy.n{{layer - 1}}-{{(place + step) % {WIDTH}}}" for step in range({NEEDS})) if layer else ()


STEPS = tuple(
    Step(f"n{{layer}}-{{place}}", true, 60, needs(layer, place), pool=ConcurrencyPool.CPU)
    for layer in range({LAYERS}) for place in range({WIDTH})
)
COMPONENT = Component("toy", "A toy.", {{"install": STEPS}})
'''


def main() -> None:
    """Measure both in turns and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="how often each is measured")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="nf-graph-") as folder:
        print_table(measure(Path(folder), runs))


def measure(folder: Path, runs: int) -> list[Row]:
    """Return the durations of both, including their start, and of the workflow alone."""
    workflows = folder / "toys"
    write_workflows(workflows, {"install.py": WORKFLOW, "components/toy.py": COMPONENT})
    (folder / "Makefile").write_text(makefile())
    settings = {"NOVAFLOW_WORKFLOWS": str(workflows), "NOVAFLOW_JOBS": str(AT_ONCE)}
    make_s, novaflow_s, workflow_times_s = [], [], []
    for _ in range(runs):
        make_s.append(seconds("make", "--silent", f"-j{AT_ONCE}", "-C", folder))
        novaflow_s.append(seconds(NOVAFLOW, "install", folder / "nova", env=settings))
        workflow_times_s.append(workflow_s(folder / "nova" / "journal.jsonl"))
        shutil.rmtree(folder / "nova")
        print(f"make {make_s[-1]:.2f} s, novaflow {novaflow_s[-1]:.2f} s", flush=True)
    return [
        (f"`make -j{AT_ONCE}`, 1,000 `/bin/true` in ten layers", make_s, "s", ""),
        ("the same by novaflow, each event on disk", novaflow_s, "s", ""),
        ("of that, orchestration", workflow_times_s, "s", ""),
        ("ratio", [ours / theirs for ours, theirs in zip(novaflow_s, make_s, strict=True)], "", "1.5"),
    ]


def makefile() -> str:
    """Return the same graph for make."""
    names = [f"n{layer}-{place}" for layer in range(LAYERS) for place in range(WIDTH)]
    lines = [f".PHONY: all {' '.join(names)}", f"all: {' '.join(names)}"]
    for layer in range(LAYERS):
        for place in range(WIDTH):
            needs = [f"n{layer - 1}-{(place + step) % WIDTH}" for step in range(NEEDS)] if layer else []
            lines.append(f"n{layer}-{place}: {' '.join(needs)}\n\t/bin/true")
    return "\n".join(lines) + "\n"


def workflow_s(journal: Path) -> float:
    """Return the duration of the workflow, from its last event."""
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    assert sum(event["type"] == "novaflow.step.succeeded" for event in events) == LAYERS * WIDTH
    return float(events[-1]["data"]["duration_s"])


if __name__ == "__main__":
    main()
