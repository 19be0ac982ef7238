"""The services of a cloud are forked, and what their servers import is safe to share."""

import json
import subprocess
from pathlib import Path

import psutil
import pytest

from novaflow.adapters.http import HttpClient
from novaflow.model.paths import Paths
from tests.cloud.stacks import Stack
from tests.support.contexts import build_context
from workflows.services.neutron.fork_server import FORK_SERVER as NEUTRON
from workflows.services.nova.fork_server import FORK_SERVER as NOVA
from workflows.services.oslo.fork_server import AREA
from workflows.services.oslo.forking import ForkServer

# ruff: noqa: S603, TID251 - it runs a program of the stack

pytestmark = pytest.mark.cloud

# The options that are read while modules are imported, by those of programs (.cmd.) and by the others; and who reads the arguments.
READ_OPTIONS = """
import importlib, json, sys
from oslo_config import cfg
reads = set()
def watch(frame, kind, _):
    if kind == "call" and frame.f_code is cfg.ConfigOpts._get.__code__:
        group, name, options = frame.f_locals["group"], frame.f_locals["name"], frame.f_locals["self"]
        if group or name not in options._groups:
            reads.add(f"{group.name}.{name}" if group else name)
names = sys.argv[1].split(",")
programs = [name for name in names if ".cmd." in name]
others = [name for name in names if name not in programs]
class Arguments(list):
    def __getitem__(self, place):
        frame = sys._getframe(1)
        while frame.f_code.co_name != "<module>":
            frame = frame.f_back
        readers.add(frame.f_globals["__name__"])
        return super().__getitem__(place)
readers = set()
sys.argv = Arguments(["program"])
sys.setprofile(watch)
for name in programs:
    importlib.import_module(name)
by_programs = set(reads)
for name in others:
    importlib.import_module(name)
sys.setprofile(None)
print(json.dumps([sorted(by_programs), sorted(reads - by_programs), sorted(readers)]))
"""
FORKED = {
    "neutron-api",
    "neutron-dhcp-agent",
    "neutron-l3-agent",
    "neutron-metadata-agent",
    "neutron-openvswitch-agent",
    "neutron-periodic-workers",
    "neutron-rpc-server",
    "nova-api",
    "nova-compute",
    "nova-conductor",
    "nova-metadata",
    "nova-novncproxy",
    "nova-scheduler",
}


@pytest.mark.parametrize("server", [NOVA, NEUTRON], ids=lambda server: server.name)
def test_modules_do_not_depend_on_the_process(cloud: Stack, server: ForkServer) -> None:
    """A service would get the default of an option, and the name of the server: modules that read these are not shared."""
    ctx = build_context(Paths(cloud.folder), HttpClient(authority=None))
    environment = ctx.environment(server.env(ctx) if server.env else {})
    done = subprocess.run(
        [ctx.paths.venv / "bin" / "python", "-P", "-c", READ_OPTIONS, ",".join(server.modules)],
        env=environment,
        capture_output=True,
        check=True,
        text=True,
    )
    by_programs, by_others, readers_of_arguments = json.loads(done.stdout)
    assert by_others == []
    assert {*readers_of_arguments} - {"cliff.app", "ovs.util"} == {*server.repeated}  # these two name the program in texts only
    assert server is NEUTRON or "cinder.auth_section" in by_programs  # which nova.conf reads


def test_services_are_forked(cloud: Stack) -> None:
    """Each has the memory for its environment that its server has reserved, and is otherwise as if it had been started alone."""
    leaders = {service["name"]: psutil.Process(service["pid"]) for service in cloud.status()["services"]}
    assert set(leaders) > FORKED
    for name in FORKED:
        assert leaders[name].environ()["NOVAFLOW_NODE"] == f"{cloud.folder}:{name}"
        assert len(Path(f"/proc/{leaders[name].pid}/environ").read_bytes()) > AREA, name
        title = " ".join(leaders[name].cmdline())
        assert f"{cloud.folder}/venv/bin/{name}" in title or title == f"gunicorn: master [{name}]"
        assert f"{name}" in Path(f"/proc/{leaders[name].pid}/cgroup").read_text()
    helpers = [process for process in psutil.process_iter() if "privsep-helper" in process.name()]
    assert helpers
    assert all(helper.environ()["NOVAFLOW_NODE"].startswith(f"{cloud.folder}:") for helper in helpers)
    assert all(len(Path(f"/proc/{helper.pid}/environ").read_bytes()) > AREA for helper in helpers)
