"""The soak: `python -m tests.faults.soak [--minutes N]`, as root; exit code 1 if the supervisor grows or anything is lost.

Servers are created and deleted one after the other, while a random service is killed every half minute. Afterwards the cloud must be
ready and without servers, and create one more. The memory of the supervisor is measured every ten seconds, and its use of the
processor at the end, during a minute without faults.
"""

# ruff: noqa: T201, TID251 - a program that prints, and waits for processes of others

import argparse
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread

import keystoneauth1.exceptions
import openstack
import psutil

from tests.cloud.clients import connected, server, wait_for
from tests.cloud.stacks import Stack, stack_in_folder
from tests.faults.campaign import RECOVERED_WITHIN_S, Losses, count_losses, service_pids, supervisor_pid

KILL_EVERY_S = 30.0
MEASURE_EVERY_S = 10.0
IDLE_S = 60.0
WARM_UP = 1 / 6  # of the soak: imports and caches grow until then
MAX_GROWTH_MIB = 2.0
MIB = 1 << 20
API_ERRORS = (openstack.exceptions.SDKException, keystoneauth1.exceptions.ClientException)


@dataclass
class Record:
    """What happened; memory is the supervisor's in MiB, by seconds since the start."""

    created: int = 0
    failed: int = 0
    killed: int = 0
    memory_mib: list[tuple[float, float]] = field(default_factory=list)

    def growth_mib(self) -> float:
        """Return by how much the memory grew after the warm-up."""
        end_s, last = self.memory_mib[-1]
        return last - next(mib for at_s, mib in self.memory_mib if at_s >= end_s * WARM_UP)


@contextmanager
def repeated(action: Callable[[], None], every_s: float) -> Iterator[None]:
    """Call ``action`` in a thread at an interval during the block."""
    over = Event()

    def repeat() -> None:
        while not over.wait(every_s):
            action()

    thread = Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def create_and_delete(nova: openstack.connection.Connection, record: Record, number: int) -> None:
    """Create a server, wait until it is ACTIVE or ERROR, and delete it; a call that fails is repeated."""
    name = f"soak-{number}"
    with suppress(*API_ERRORS):  # the API is down, or the server becomes ERROR
        with server(nova, name):
            record.created += 1
        return
    record.failed += 1
    wait_for(f"the deletion of {name}", lambda: _delete_all(nova), within_s=2 * RECOVERED_WITHIN_S)


def _delete_all(nova: openstack.connection.Connection) -> bool:
    """Request the deletion of every server; return whether there was none."""
    with suppress(*API_ERRORS):
        servers = list(nova.compute.servers())
        for server in servers:
            nova.compute.delete_server(server, force=True)
        return not servers
    return False


def soak(stack: Stack, minutes: float, seed: int) -> tuple[Record, float, Losses]:
    """Run the soak; return its record, the supervisor's use of the processor at rest in per cent of a core, and the losses."""
    stack.up()
    draw, record, began = random.Random(seed), Record(), time.monotonic()  # noqa: S311 - chooses services
    supervisor = psutil.Process(supervisor_pid(stack))

    def kill() -> None:
        with suppress(ProcessLookupError, IndexError):
            os.kill(draw.choice([pid for pid in service_pids(stack).values() if pid]), signal.SIGKILL)
            record.killed += 1

    def measure() -> None:
        record.memory_mib.append((time.monotonic() - began, supervisor.memory_info().rss / MIB))

    with connected(stack.folder / "credentials") as nova:
        with repeated(measure, MEASURE_EVERY_S), repeated(kill, KILL_EVERY_S):
            number = 0
            while time.monotonic() - began < minutes * 60:
                create_and_delete(nova, record, number := number + 1)
        wait_for("ready", lambda: stack("status", good=False).returncode == 0, RECOVERED_WITHIN_S)
        before = supervisor.cpu_times()
        time.sleep(IDLE_S)
        after = supervisor.cpu_times()
        create_and_delete(nova, last := Record(), 0)
    idle_percent = 100 * (after.user + after.system - before.user - before.system) / IDLE_S
    return record, idle_percent, count_losses(stack, servers=1 - last.created)


def main() -> None:
    """Run the soak as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=2011)
    arguments = parser.parse_args()
    with stack_in_folder("soak") as stack:
        record, idle_percent, losses = soak(stack, arguments.minutes, arguments.seed)
    first, last = record.memory_mib[0][1], record.memory_mib[-1][1]
    print(f"{record.created} servers created and deleted, {record.failed} failed, {record.killed} services killed")
    print(f"supervisor: {first:.1f} MiB at first, {last:.1f} at last, {record.growth_mib():+.1f} after the warm-up; {idle_percent:.2f} %")
    print(f"lost or left: {losses}")
    sys.exit(0 if record.growth_mib() <= MAX_GROWTH_MIB and not any(vars(losses).values()) else 1)


if __name__ == "__main__":
    main()
