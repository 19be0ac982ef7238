"""`novaflow explain`: what a service or a step is, what it waits for, and how it failed last."""

import json
import os

import psutil

from novaflow.events.types import ServiceChanged, ServiceState, StepState, WorkflowChanged, WorkflowState
from tests.support.toy_stack import Novaflow, ToyStack, service_is, step_is

DECLARED = """
from novaflow.model.component import Component
from novaflow.model.config_file import ConfigFile
from novaflow.model.probe import FunctionProbe
from novaflow.model.service import Service
from novaflow.model.step import step


async def answer(_):
    return "answered"


@step(within_s=5)
async def configure(_):
    \"\"\"Write the configuration.\"\"\"


DATABASE = Service("database", "The database.", lambda _: ("true",), FunctionProbe(answer, "SQL login"), within_s=30)
API = Service("api", "The API.", lambda _: ("true",), FunctionProbe(answer, "GET /"), needs=("database", "api.configure"), port=8774)
COMPONENT = Component("api", "An API.", {"run": (configure, DATABASE, API)}, declares=(ConfigFile("api/api.conf"),))
"""
STARTED = WorkflowChanged(name="run", state=WorkflowState.STARTED, reason="requested")


def test_a_service_that_waits_names_what_is_not_ready(novaflow: Novaflow, toy: ToyStack) -> None:
    """It has its state, needs, probe, address, files and log."""
    toy.write("components/api.py", DECLARED)
    toy.append(STARTED, step_is("api.configure", StepState.SUCCEEDED), service_is("database", ServiceState.STARTED))
    (toy.paths.log).mkdir()
    (toy.paths.log / "api.log").touch()
    assert novaflow("explain", "api").out.splitlines() == [
        "api: The API.",
        "  state       not started",
        "  waits for   database",
        "  component   api, in the workflow run",
        "  needs       api.configure, database",
        "  ready when  GET /",
        "  time        60 s",
        "  address     127.0.0.1:8774",
        f"  files       {toy.paths.etc}/api/api.conf",
        f"  log         {toy.paths.log}/api.log",
    ]


def test_the_last_failure_is_shown_with_the_end_of_its_log(novaflow: Novaflow, toy: ToyStack) -> None:
    """Also after the service has been restarted; what needs it is named."""
    toy.write("components/api.py", DECLARED)
    failed = ServiceChanged(
        name="database", state=ServiceState.EXITED, workflow="run", component="api", reason="exited with 7", log_tail="disk full\nabort"
    )
    toy.append(STARTED, failed, service_is("database", ServiceState.READY))
    (shown,) = json.loads(novaflow("explain", "database", "--json").out)
    assert (shown["state"], shown["waits_for"], shown["needed_by"], shown["within_s"]) == ("ready", [], ["api"], 30)
    assert shown["failure"].endswith(" UTC: exited with 7")
    assert novaflow("explain", "database").out.splitlines()[-2:] == ["    disk full", "    abort"]


def test_the_command_is_that_of_the_running_process(novaflow: Novaflow, toy: ToyStack) -> None:
    """The process of this test stands for the service."""
    toy.write("components/api.py", DECLARED)
    ready = ServiceChanged(name="api", state=ServiceState.READY, workflow="run", component="api", reason="answered", pid=os.getpid())
    toy.append(STARTED, ready)
    (shown,) = json.loads(novaflow("explain", "api", "--json").out)
    assert shown["command"] == psutil.Process().cmdline()


def test_a_new_run_has_not_started_its_nodes(novaflow: Novaflow, toy: ToyStack) -> None:
    """What the run before did does not count."""
    toy.append(STARTED, step_is("toy.create", StepState.SUCCEEDED), STARTED)
    (shown,) = json.loads(novaflow("explain", "toy.use", "--json").out)
    assert (shown["state"], shown["waits_for"], shown["summary"]) == ("not started", ["toy.create"], "Use it.")


def test_an_unknown_name_is_an_error(novaflow: Novaflow) -> None:
    """The nearest one is named."""
    ended = novaflow("explain", "toi")
    assert (ended.code, ended.err) == (2, "novaflow: unknown component 'toi'; did you mean 'toy'?\n")


def test_a_component_is_its_services(novaflow: Novaflow, toy: ToyStack) -> None:
    """Each comes after an empty line."""
    toy.add_services()
    titles = [text.partition("\n")[0] for text in novaflow("explain", "httpd").out.split("\n\n")]
    assert titles == ["web: A web server.", "web-worker: Its worker."]
