"""Measures how the plan grows with the number of nodes: `python -m tests.benchmarks.bench_growth`; it takes two minutes."""

# ruff: noqa: S603, T201, TID251 - a program for people, which measures itself in other processes

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.step import Step
from novaflow.plan.actions import Start
from novaflow.plan.compile import compile_graph
from novaflow.plan.lifecycle import Exited, Succeeded
from novaflow.plan.plan import Plan
from tests.benchmarks.table import describe_machine
from tests.support.settings import make_settings

SIZES = (10, 100, 1_000, 10_000, 100_000)
NEEDS = 3  # needs of each node, in the layer below
SHAPES: dict[str, Callable[[int], int]] = {  # the width of each layer, from the number of nodes
    "deep, 2 nodes a layer": lambda _: 2,
    "square": lambda nodes: round(nodes**0.5),
    "wide, 2 layers": lambda nodes: nodes // 2,
}


def main() -> None:
    """Measure each shape and size in a process of its own, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=2, metavar=("SHAPE", "NODES"), help="measure one graph in this process, and print it as JSON")
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(measure(chosen.one[0], int(chosen.one[1]))))
        return
    print(f"{describe_machine()}\n")
    print("| graph | nodes | compile | run | a node, both | memory | a node |\n|---|--:|--:|--:|--:|--:|--:|")
    for shape in SHAPES:
        for nodes in SIZES:
            argv = [sys.executable, "-m", "tests.benchmarks.bench_growth", "--one", shape, str(nodes)]
            found = json.loads(subprocess.run(argv, capture_output=True, check=True, stdin=subprocess.DEVNULL).stdout)
            each_us = 1e6 * (found["compile_s"] + found["run_s"]) / nodes
            times = f"{found['compile_s']:.3g} s | {found['run_s']:.3g} s | {each_us:.0f} µs"
            print(
                f"| {shape} | {nodes:,} | {times} | {found['memory_mib']:.0f} MiB | {1024 * found['memory_mib'] / nodes:.1f} KiB |",
                flush=True,
            )


def measure(shape: str, nodes: int) -> dict[str, float]:
    """Return the seconds to compile a graph and to run its plan to the end without an engine, and the memory of both in MiB."""
    component = Component("toy", "A toy.", {"run": make_steps(make_widths(shape, nodes))})
    settings = make_settings()
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    graph = compile_graph("run", [component], settings)
    compiled = time.monotonic()
    plan = Plan(graph)
    pending = [*plan.begin()]
    succeeded = 0
    while pending:
        action = pending.pop()
        if isinstance(action, Start):
            succeeded += 1
            pending += plan.apply(Succeeded(action.node))
            pending += plan.apply(Exited(action.node))
    ended = time.monotonic()
    assert succeeded == nodes, f"{succeeded} of {nodes} nodes have run"
    after_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"compile_s": compiled - began, "run_s": ended - compiled, "memory_mib": (after_kib - before_kib) / 1024}


def make_widths(shape: str, nodes: int) -> list[int]:
    """Return the width of each layer."""
    width = SHAPES[shape](nodes)
    return [min(width, nodes - begin) for begin in range(0, nodes, width)]


def make_steps(widths: list[int]) -> tuple[Step, ...]:
    """Return steps in layers."""

    async def nothing(ctx: Context) -> None:
        """Do nothing; only its node is of interest."""

    return tuple(
        Step(
            f"n{layer}-{place}",
            nothing,
            60,
            tuple({f"toy.n{layer - 1}-{(place + need) % widths[layer - 1]}": None for need in range(NEEDS)}) if layer else (),
        )
        for layer, width in enumerate(widths)
        for place in range(width)
    )


if __name__ == "__main__":
    main()
