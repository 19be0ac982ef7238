"""Measures how late it is known that a service is ready: `python -m tests.benchmarks.bench_readiness`; takes half a minute.

Fifty services listen after 0.1 to 5 s. novaflow starts them, while a program connects to each once a second until it answers; then
supervisord starts the same ones.
"""

# ruff: noqa: S603, T201, TID251 - a program that prints, and measures other programs

import json
import math
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from tests.benchmarks.table import NOVAFLOW, describe_machine, seconds, write_workflows

COUNT = 50
FIRST_PORT = 21_000
POLL_S = 1.0
WITHIN_S = 60
SERVER = """
import socket, sys, time
port, listened = int(sys.argv[1]), sys.argv[2]
time.sleep(0.1 + 4.9 * (port * 7919 % 1000) / 1000)  # each its own, the same in every run
with socket.create_server(("127.0.0.1", port)) as listener:
    with open(listened, "w") as file:
        print(time.time(), file=file)
    while True:
        peer, _ = listener.accept()
        with peer:
            peer.recv(4096)
            peer.sendall(b"HTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\nconnection: close\\r\\n\\r\\n")
"""
INSTALL = """
from novaflow.model.workflow import Workflow

WORKFLOW = Workflow("install", "Nothing.")
"""
RUN = """
from novaflow.model.workflow import Workflow

WORKFLOW = Workflow("run", "Servers.", stays=True)
"""
COMPONENT = f"""
from functools import partial

from novaflow.model.component import Component
from novaflow.model.probe import HttpProbe
from novaflow.model.service import Service


def command(port, _):
    return (PYTHON, "-IS", FOLDER + "/server.py", str(port), f"{{FOLDER}}/listened-{{port}}")


PORTS = range({FIRST_PORT}, {FIRST_PORT + COUNT})
SERVICES = tuple(Service(f"web-{{port}}", "A server.", partial(command, port), HttpProbe(port), port=port) for port in PORTS)
COMPONENT = Component("web", "Servers.", {{"run": SERVICES}})
"""
PROGRAM = """
[program:web-{port}]
command={python} -IS {folder}/server.py {port} {folder}/listened-{port}
"""
RUNNING = re.compile(r"^(\S+ \S+) INFO success: web-(\d+) entered RUNNING state", re.MULTILINE)

Times = Mapping[int, float]  # of the epoch in seconds, by port


def main() -> None:
    """Measure both in turns, and print the table."""
    with tempfile.TemporaryDirectory(prefix="nf-ready-") as name:
        folder = Path(name)
        (folder / "server.py").write_text(SERVER)
        lags = {}
        try:
            with ThreadPoolExecutor(COUNT) as threads:
                polls = {port: threads.submit(poll, port) for port in ports()}
                reported = run_novaflow(folder)
                polled = {port: each.result() for port, each in polls.items()}
        finally:
            seconds(NOVAFLOW, "clean", folder / "nova", env=settings(folder))
        listened = read_listened(folder)
        lags["novaflow"] = difference(reported, listened)
        lags["a connection each second, in the same run"] = difference(polled, listened)
        lags["supervisord, `startsecs=1`"] = difference(run_supervisord(folder), read_listened(folder))
    print(f"\n{describe_machine()}\n")
    print("| who says it | median | p99 | before it was true |\n|---|--:|--:|--:|")
    for who, each in lags.items():
        median, last = statistics.median(each) * 1e3, each[int(0.99 * COUNT)] * 1e3
        # The events' times are in whole milliseconds.
        print(f"| {who} | {median:,.0f} ms | {last:,.0f} ms | {sum(lag < -0.001 for lag in each)} of {COUNT} |")


def ports() -> range:
    """Return the ports of the services."""
    return range(FIRST_PORT, FIRST_PORT + COUNT)


def difference(said: Times, true: Times) -> list[float]:
    """Return how late it was said that each service is ready, in seconds, in ascending order."""
    return sorted(said[port] - true[port] for port in true)


def read_listened(folder: Path) -> Times:
    """Return when each service began to listen; the files are removed."""
    paths = {port: folder / f"listened-{port}" for port in ports()}
    times = {port: float(path.read_text()) for port, path in paths.items()}
    for path in paths.values():
        path.unlink()
    return times


def settings(folder: Path) -> dict[str, str]:
    """Return the settings of the stack."""
    return {"NOVAFLOW_WORKFLOWS": str(folder / "toys")}


def run_novaflow(folder: Path) -> Times:
    """Start the services by novaflow; return the times of its events."""
    component = f"PYTHON, FOLDER = {sys.executable!r}, {str(folder)!r}\n{COMPONENT}"
    write_workflows(folder / "toys", {"install.py": INSTALL, "run.py": RUN, "components/web.py": component})
    seconds(NOVAFLOW, "run", "--wait-ready", folder / "nova", env=settings(folder))
    events = [json.loads(line) for line in (folder / "nova/journal.jsonl").read_text().splitlines()]
    ready = (event for event in events if event["type"] == "novaflow.service.ready")
    return {int(event["subject"].removeprefix("web-")): datetime.fromisoformat(event["time"]).timestamp() for event in ready}


def poll(port: int) -> float:
    """Connect once a second until the service answers; return when it did, or the end of all patience."""
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
                connection.recv(4096)
                return time.time()
        except OSError:
            time.sleep(POLL_S)
    return math.inf


def run_supervisord(folder: Path) -> Times:
    """Start the services by supervisord, which is downloaded; return the times of its log."""
    log, configuration = folder / "supervisord.log", folder / "supervisord.conf"
    programs = (PROGRAM.format(port=port, folder=folder, python=sys.executable) for port in ports())
    configuration.write_text(f"[supervisord]\nlogfile={log}\npidfile={folder}/pid\nchildlogdir={folder}\n{''.join(programs)}")
    uvx = shutil.which("uvx", path=f"{NOVAFLOW.parent}:{os.environ['PATH']}")
    argv = (str(uvx), "--quiet", "--from", "supervisor", "supervisord", "--nodaemon", "--configuration", configuration)
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as supervisord:
        deadline = time.monotonic() + WITHIN_S
        while len(found := RUNNING.findall(log.read_text() if log.exists() else "")) < COUNT or len([*folder.glob("listened-*")]) < COUNT:
            if time.monotonic() > deadline:
                sys.exit(f"supervisord has started {len(found)} of {COUNT} services in {WITHIN_S} s")
            time.sleep(0.1)
        supervisord.terminate()
    return {int(port): datetime.strptime(when, "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp() for when, port in found}


if __name__ == "__main__":
    main()
