"""Measures starts and stops of a cloud: `python -m tests.benchmarks.bench_cloud --runs 3`, as root; a run takes 4 minutes."""

# ruff: noqa: T201, TID251 - a program for people; it measures the services at rest

import argparse
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import openstack

from tests.benchmarks.table import (
    NOVAFLOW,
    Row,
    memory_by_service,
    print_table,
    processor_s,
    seconds,
    supervisor_mib,
    usage_at_rest,
)
from tests.cloud.clients import BOOT_S, connected, console, wait_for, wait_for_ping
from tests.cloud.fresh import fresh_machine
from tests.cloud.stacks import folder_of_stacks

UP_WITHIN_S = 1800
# The services that boot a server.
MAIN_JOB = {"NOVAFLOW_SERVICES": "cloud,credentials,nova-compute,nova-conductor,nova-scheduler,neutron,tty"}
AT_ONCE = 10  # servers
SETTLE_S = 30.0  # after the last server is deleted, until the services are at rest
REST_S = 60.0


def main() -> None:
    """Run the selected measurements and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured")
    parser.add_argument("--only", choices=MEASURES, action="append", help="leave the others out")
    chosen = parser.parse_args()
    print_table([row for name in chosen.only or MEASURES for row in MEASURES[name](chosen.runs)])


def measure_fresh(runs: int) -> Iterator[Row]:
    """Measure `nova.sh up` on machines with nothing installed, with downloads and from a bundle; a run takes 5 minutes."""
    figures: dict[str, list[float]] = {"downloads": [], "bundle": []}
    with folder_of_stacks() as folder:
        bundle = folder / "bundle.tar"
        seconds(NOVAFLOW, "bundle", bundle, folder / "nova")
        for _ in range(runs):
            for what, files in (("downloads", None), ("bundle", bundle)):
                with fresh_machine(platform.freedesktop_os_release()["VERSION_CODENAME"], bundle=files) as machine:
                    options = ("--from", bundle.name) if files else ()
                    began = time.monotonic()
                    machine.run("./nova.sh", "up", *options, within_s=UP_WITHIN_S)
                    figures[what].append(time.monotonic() - began)
                    print(f"{what}: {figures[what][-1]:.1f} s", flush=True)
                    machine.run("./nova.sh", "clean", within_s=120)
    yield "`nova.sh up` on an empty Debian, downloads included", figures["downloads"], "s", "75 s"
    yield "`nova.sh up --from FILE` on an empty Debian without a network", figures["bundle"], "s", "45 s"


def measure_run(runs: int) -> Iterator[Row]:
    """Measure run and clean on an installed machine, of all services and of the minimal set, and their memory."""
    with folder_of_stacks() as folder, ExitStack() as cleanup:
        full, main = folder / "full", folder / "main"
        for stack in (full, main):
            cleanup.callback(seconds, NOVAFLOW, "clean", stack)
        seconds(NOVAFLOW, "install", full)
        seconds(NOVAFLOW, "install", main, env=MAIN_JOB)
        again_s = [seconds(NOVAFLOW, "install", full) for _ in range(runs)]
        full_s, main_s, single_s, clean_s, memory_mib = [], [], [], [], []
        services_mib: dict[str, float] = {}
        for _ in range(runs):
            # Alternating, so that both run under the same conditions.
            full_s.append(seconds(NOVAFLOW, "run", "--wait-ready", full))
            memory_mib.append(supervisor_mib(full))
            services_mib = memory_by_service(full)
            clean_s.append(seconds(NOVAFLOW, "clean", full))
            main_s.append(seconds(NOVAFLOW, "run", "--wait-ready", main, env=MAIN_JOB))
            seconds(NOVAFLOW, "clean", main)
            single_s.append(seconds(NOVAFLOW, "run", "--wait-ready", full, env={"NOVAFLOW_JOBS": "1"}))
            seconds(NOVAFLOW, "clean", full)
            print(f"run {full_s[-1]:.1f} s, the main job alone {main_s[-1]:.1f} s, clean {clean_s[-1]:.1f} s", flush=True)
    yield "`install` where everything is there", again_s, "s", "3 s"
    yield "`run --wait-ready`, everything", full_s, "s", "45 s"
    yield "the main job alone", main_s, "s", ""
    yield "ratio", [all_of_it / some for all_of_it, some in zip(full_s, main_s, strict=True)], "", "1.5"
    yield "everything, with `NOVAFLOW_JOBS=1`", single_s, "s", ""
    yield "ratio of that", [single / both for single, both in zip(single_s, full_s, strict=True)], "", ""
    yield "`clean`, everything", clean_s, "s", "8 s"
    yield "memory of the supervisor, everything up", memory_mib, "MiB", "60 MiB"
    yield "memory of all services", [sum(services_mib.values())], "MiB", ""
    for name, mib in sorted(services_mib.items(), key=lambda one: -one[1]):
        yield f"of that, {name}", [mib], "MiB", ""


def measure_fork(runs: int) -> Iterator[Row]:
    """Measure starts with fork servers and without them, in turns; a run takes 4 minutes."""
    names = {
        "start": ("`run --wait-ready`", "s", "0.5"),
        "processor": ("processor time of that", "s", "0.5"),
        "memory": ("memory of all services", "MiB", "0.6"),
        "restart": ("`restart nova-compute`", "s", "0.5"),
    }
    figures: dict[str, dict[str, list[float]]] = {fork: {what: [] for what in names} for fork in ("1", "0")}
    with folder_of_stacks() as parent, ExitStack() as cleanup:
        folder = parent / "nova"
        cleanup.callback(seconds, NOVAFLOW, "clean", folder)
        seconds(NOVAFLOW, "install", folder)
        for fork in [*figures] * runs:
            environment = {"NOVAFLOW_FORK": fork}
            figures[fork]["start"].append(seconds(NOVAFLOW, "run", "--wait-ready", "--yes", folder, env=environment))
            figures[fork]["processor"].append(processor_s(folder))
            figures[fork]["memory"].append(sum(memory_by_service(folder).values()))
            figures[fork]["restart"].append(seconds(NOVAFLOW, "restart", "nova-compute", folder, env=environment))
            seconds(NOVAFLOW, "clean", folder)
            print(f"NOVAFLOW_FORK={fork}: {[measured[-1] for measured in figures[fork].values()]}", flush=True)
    for what, (name, unit, goal) in names.items():
        for fork, measured in figures.items():
            yield f"{name}, `NOVAFLOW_FORK={fork}`", measured[what], unit, ""
        ratios = [forked / alone for forked, alone in zip(figures["1"][what], figures["0"][what], strict=True)]
        yield "ratio", ratios, "", goal


def measure_use(runs: int) -> Iterator[Row]:
    """Measure what users do with an installed cloud: start it, boot servers, leave it at rest, stop it; a run takes 4 minutes."""
    figures: dict[str, list[float]] = {what: [] for what in USES}
    with folder_of_stacks() as parent, ExitStack() as cleanup:
        folder = parent / "nova"
        cleanup.callback(seconds, NOVAFLOW, "clean", folder)
        seconds(NOVAFLOW, "install", folder)
        for _ in range(runs):
            figures["start"].append(seconds(NOVAFLOW, "run", "--wait-ready", "--yes", folder))
            with connected(folder / "credentials") as nova:
                for what, took_s in measure_servers(nova):
                    figures[what].append(took_s)
            time.sleep(SETTLE_S)
            idle = usage_at_rest(folder, REST_S)
            figures["idle"].append(100 * idle.services)
            figures["supervisor"].append(100 * idle.supervisor)
            figures["supervisor_mib"].append(supervisor_mib(folder))
            figures["memory"].append(sum(memory_by_service(folder).values()))
            figures["status"].extend(seconds(NOVAFLOW, "status", folder) for _ in range(5))
            figures["clean"].append(seconds(NOVAFLOW, "clean", folder))
            figures["again"].append(seconds(NOVAFLOW, "up", folder))
            figures["processor"].append(processor_s(folder))
            seconds(NOVAFLOW, "clean", folder)
            print(f"{ {what: round(measured[-1], 2) for what, measured in figures.items()} }", flush=True)
    for what, (name, unit, goal) in USES.items():
        yield name, figures[what], unit, goal


USES = {  # name, unit, goal
    "start": ("`run --wait-ready`, empty", "s", "18 s"),
    "first": ("first server: ACTIVE and answers a ping", "s", "6 s"),
    "ten": (f"{AT_ONCE} servers at once: all ACTIVE", "s", "15 s"),
    "stop": ("stop of a server that has just booted: SHUTOFF", "s", "3 s"),
    "idle": ("all services at rest, share of a core", "%", "3 %"),
    "supervisor": ("supervisor at rest, share of a core", "%", "0.3 %"),
    "supervisor_mib": ("memory of the supervisor", "MiB", "50 MiB"),
    "memory": ("memory of all services", "MiB", "2,100 MiB"),
    "status": ("`status`, everything up", "s", "0.15 s"),
    "clean": ("`clean`", "s", "4 s"),
    "again": ("`up` after `clean`, the same cloud", "s", "15 s"),
    "processor": ("processor time of that", "s", ""),
}


def measure_servers(nova: openstack.connection.Connection) -> Iterator[tuple[str, float]]:
    """Boot and stop servers, and delete them; the key and the duration of each action in seconds."""
    image = nova.image.find_image("ami-tty", ignore_missing=False)
    private = nova.network.find_network("private", ignore_missing=False)
    new: dict[str, Any] = {"image_id": image.id, "flavor_id": "1", "networks": [{"uuid": private.id}]}
    began = time.monotonic()
    first = nova.compute.wait_for_server(nova.compute.create_server(name="first", **new), wait=BOOT_S, interval=0.5)
    wait_for_ping(nova, first)
    yield "first", time.monotonic() - began
    wait_for("the end of the boot", lambda: "tty login:" in console(nova, first.id), BOOT_S)
    began = time.monotonic()
    nova.compute.stop_server(first)
    nova.compute.wait_for_server(first, status="SHUTOFF", wait=BOOT_S, interval=0.5)
    yield "stop", time.monotonic() - began
    delete_servers(nova)
    began = time.monotonic()
    nova.compute.create_server(name="one", min_count=AT_ONCE, **new)
    for created in nova.compute.servers():
        nova.compute.wait_for_server(created, wait=BOOT_S, interval=0.5)
    yield "ten", time.monotonic() - began
    delete_servers(nova)


def delete_servers(nova: openstack.connection.Connection) -> None:
    """Delete all servers."""
    for one in [*nova.compute.servers()]:
        nova.compute.delete_server(one)
        nova.compute.wait_for_delete(one, wait=BOOT_S)


MEASURES: dict[str, Callable[[int], Iterator[Row]]] = {
    "fresh": measure_fresh,
    "run": measure_run,
    "fork": measure_fork,
    "use": measure_use,
}

if __name__ == "__main__":
    main()
