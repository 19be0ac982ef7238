"""Measures how a cloud grows: `python -m tests.benchmarks.bench_servers`, as root; takes 15 minutes.

Servers of nova's fake driver are created, which need no processor: 1, 10, 100 and 500 with one request each. When all are ACTIVE, ten
clients ask for them.
"""

# ruff: noqa: T201, TID251 - a program for people; it polls the API

import argparse
import re
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import openstack

from tests.benchmarks.table import NOVAFLOW, describe_machine, seconds
from tests.cloud.clients import connected
from tests.cloud.stacks import folder_of_stacks

COUNTS = (1, 10, 100, 500)
CLIENTS, REQUESTS = 10, 20  # requests of each client
WITHIN_S = 1200
POLL_S = 0.5
SETTINGS = {"LIBVIRT_TYPE": "fake", "FIXED_RANGE": "10.0.0.0/21"}
UNLIMITED = {"instances": -1, "cores": -1, "ram": -1}
DATABASE_ERROR = re.compile(r"DBError|DBDeadlock|OperationalError|QueuePool limit|TimeoutError: QueuePool")
BUSIEST = 4


def main() -> None:
    """Measure each number of servers, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="how many servers")
    counts = parser.parse_args().counts
    print("| servers | all ACTIVE | a server | deleted | GET /servers/ID p50 | p99 | database errors | busiest, share of a core |")
    print("|--:|--:|--:|--:|--:|--:|--:|---|")
    with folder_of_stacks() as parent, ExitStack() as cleanup:
        folder = parent / "nova"
        cleanup.callback(seconds, NOVAFLOW, "clean", folder)
        seconds(NOVAFLOW, "up", folder, env=SETTINGS)
        with connected(folder / "credentials") as nova:
            project = str(nova.current_project_id)
            nova.set_compute_quotas(project, **UNLIMITED)
            nova.set_network_quotas(project, port=-1)
            for count in counts:
                print(measure(folder, nova, count), flush=True)
    print(f"\n{describe_machine()}")


def measure(folder: Path, nova: openstack.connection.Connection, count: int) -> str:
    """Create servers, ask for them, and delete them; return a row of the table."""
    image = nova.image.find_image("ami-tty", ignore_missing=False)
    private = nova.network.find_network("private", ignore_missing=False)
    errors, used, began = count_errors(folder), used_s(), time.monotonic()
    nova.compute.create_server(
        name="fake", image_id=image.id, flavor_id="1", networks=[{"uuid": private.id}], min_count=count, return_reservation_id=False
    )
    wait_for_count(nova, count, status="ACTIVE")
    active_s = time.monotonic() - began
    shares = {name: (now - used.get(name, 0)) / active_s for name, now in used_s().items()}
    busiest = sorted(shares.items(), key=lambda one: -one[1])[:BUSIEST]
    ids = [each.id for each in nova.compute.servers()]
    with ThreadPoolExecutor(CLIENTS) as clients:
        asked = [*clients.map(lambda number: [*ask(folder, ids, number)], range(CLIENTS))]
    answers_s = sorted(one for each in asked for one in each)
    began = time.monotonic()
    for each in ids:
        nova.compute.delete_server(each)
    wait_for_count(nova, 0)
    deleted_s = time.monotonic() - began
    columns = (
        f"{count:,}",
        f"{active_s:.1f} s",
        f"{active_s / count:.2f} s",
        f"{deleted_s:.1f} s",
        f"{statistics.median(answers_s) * 1e3:.0f} ms",
        f"{answers_s[int(0.99 * len(answers_s))] * 1e3:.0f} ms",
        str(count_errors(folder) - errors),
        ", ".join(f"{name} {share:.0%}" for name, share in busiest),
    )
    return f"| {' | '.join(columns)} |"


def wait_for_count(nova: openstack.connection.Connection, count: int, **query: Any) -> None:
    """Wait until there are so many servers."""
    deadline = time.monotonic() + WITHIN_S
    while (found := sum(1 for _ in nova.compute.servers(details=False, **query))) != count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{found} of {count} servers after {WITHIN_S} s")
        if failed := [*nova.compute.servers(status="ERROR")]:
            raise RuntimeError(f"{len(failed)} servers failed; the first: {failed[0].fault}")
        time.sleep(POLL_S)


def ask(folder: Path, ids: list[str], number: int) -> Iterator[float]:
    """Ask for servers as one of the clients; the duration of each request in seconds."""
    with connected(folder / "credentials") as nova:
        nova.compute.get_server(ids[0])  # logs in
        for request in range(REQUESTS):
            began = time.monotonic()
            nova.compute.get_server(ids[(number * REQUESTS + request) % len(ids)])
            yield time.monotonic() - began


def count_errors(folder: Path) -> int:
    """Return how often the services have logged an error of their database."""
    return sum(len(DATABASE_ERROR.findall(log.read_text(errors="replace"))) for log in (folder / "log").glob("*.log"))


def used_s() -> dict[str, float]:
    """Return the processor time of each service of the only stack of this machine, in seconds."""
    groups = [group for stack in Path("/sys/fs/cgroup").rglob("novaflow-*") for group in stack.glob("*/cpu.stat")]
    return {group.parent.name: int(group.read_text().split()[1]) / 1e6 for group in groups}


if __name__ == "__main__":
    main()
