"""What a machine can check of the workflows' files, and every component file must hold."""

import json
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import anyio
import pytest

from novaflow.adapters.storage.discovery import find_components
from novaflow.model.component import Component
from novaflow.model.probe import HttpProbe
from novaflow.model.service import Service
from novaflow.model.step import Step
from novaflow.plan.compile import compile_graph, resolve_name, select_components
from tests.support.settings import make_settings
from workflows.infra.libvirt.settings import LibvirtType
from workflows.services.neutron.settings import NetMan

ROOT = Path(__file__).parents[2]
FOUND = find_components(ROOT / "workflows")
CHOICES = [
    make_settings(use_mysql=use_mysql, libvirt_type=libvirt_type, net_man=net_man, use_ipv6=use_ipv6, use_ldap=use_ldap)
    for use_mysql, libvirt_type, net_man, use_ipv6, use_ldap in product((False, True), LibvirtType, NetMan, (False, True), (False, True))
] + [make_settings(use_ldap=True, use_opendj=True, novaflow_ldap_url="ldap://opendj:1389/ou=people,dc=example,dc=com")]

# Audited in a process of its own: what an import of a workflow file does besides importing.
LOOK = """
import importlib, json, sys
root, seen = sys.argv[1], []
def look(event, args):
    if event.partition(".")[0] not in {"open", "socket", "subprocess", "os", "shutil", "tempfile"}:
        return
    frame = sys._getframe(1)
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        if frame.f_code.co_filename.startswith(root):
            seen.append(f"{frame.f_code.co_filename}:{frame.f_lineno}: {event} {args!r}")
        frame = frame.f_back
sys.addaudithook(look)
for name in sys.argv[2:]:
    importlib.import_module(name)
print(json.dumps(seen))
"""


def every_import() -> Iterator[str]:
    """Yield the name of every module in ``workflows/``."""
    for path in sorted((ROOT / "workflows").rglob("*.py")):
        yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def parts_of(component: Component) -> Iterator[Step | Service]:
    """Yield the component's parts of all workflows."""
    for parts in component.parts.values():
        yield from parts


def has_service(component: Component) -> bool:
    """Return whether something of the component stays up."""
    return any(isinstance(part, Service) for part in component.parts.get("run", ()))


async def watch_imports(folder: Path, package: str, *modules: str) -> list[str]:
    """Return what code of the package did while its modules were imported."""
    answer = await anyio.run_process([sys.executable, "-W", "ignore", "-c", LOOK, str(folder / package), *modules], cwd=folder)
    seen: list[str] = json.loads(answer.stdout)
    return seen


PARTS = [part for component in FOUND.components for part in parts_of(component)]


async def test_importing_does_nothing() -> None:
    """No file is opened, no socket made, no program started by importing workflows."""
    assert await watch_imports(ROOT, "workflows", *every_import()) == []


@pytest.mark.parametrize(
    "line", ["open(__file__)", "import socket; socket.socket()", "import os; os.listdir()", "import subprocess; subprocess.run(['true'])"]
)
async def test_importing_something_else_would_be_seen(tmp_path: Path, line: str) -> None:
    """The check above finds what it looks for."""
    (tmp_path / "busy").mkdir()
    (tmp_path / "busy/file.py").write_text(line)
    assert await watch_imports(tmp_path, "busy", "busy.file") != []


@pytest.mark.parametrize("part", [part for part in PARTS if isinstance(part, Step)], ids=lambda part: part.name)
def test_a_step_says_what_it_does_and_how_long_it_may(part: Step) -> None:
    """Operators read a sentence, and no step runs for ever."""
    assert part.summary[:1].isupper()
    assert part.summary.endswith(".")
    assert 0 < part.within_s <= (7200 if part.name == "run" else 1800)  # all unit tests of a tree take an hour on two cores


@pytest.mark.parametrize("part", [part for part in PARTS if isinstance(part, Service)], ids=lambda part: part.name)
def test_a_service_says_what_it_is_and_is_bounded(part: Service) -> None:
    """A service has a sentence, a limit to its start and one to its stop, and is asked where it listens."""
    assert part.summary.endswith(".")
    assert 0 < part.within_s <= 300
    assert 0 < part.grace_s <= 60
    if isinstance(part.ready, HttpProbe):
        assert part.ready.port == part.port


@pytest.mark.parametrize("component", FOUND.components, ids=lambda component: component.name)
def test_a_component_brings_something_to_a_workflow_there_is(component: Component) -> None:
    """Parts for a workflow that does not exist would never run."""
    assert component.summary.endswith(".")
    assert set(component.parts) <= set(FOUND.workflows)


@pytest.mark.parametrize("workflow", FOUND.workflows)
def test_a_workflow_fits_together_under_all_settings(workflow: str) -> None:
    """Whatever is chosen, needs exist, nothing is circular, and no two services share a name or a port."""
    for settings in CHOICES:
        compile_graph(workflow, select_components(FOUND.components, (), settings), settings)


@pytest.mark.parametrize("component", FOUND.components, ids=lambda component: component.name)
def test_a_component_can_be_wanted_alone(component: Component) -> None:
    """NOVAFLOW_SERVICES with one name brings along all that is needed."""
    settings = make_settings()
    chosen = select_components(FOUND.components, (component.name,), settings)
    for workflow in FOUND.workflows:
        compile_graph(workflow, chosen, settings)


@pytest.mark.parametrize("component", [component for component in FOUND.components if has_service(component)], ids=lambda one: one.name)
def test_a_component_can_be_left_out(component: Component) -> None:
    """NOVAFLOW_SERVICES with all names but one leaves out that one and who needs it, in every workflow."""
    settings = make_settings()
    others = [one.name for one in FOUND.components if component not in select_components(FOUND.components, (one.name,), settings)]
    chosen = select_components(FOUND.components, others, settings)
    assert component not in chosen
    for workflow in FOUND.workflows:
        compile_graph(workflow, chosen, settings)


def test_what_a_part_comes_after_exists() -> None:
    """A wish to come after something is passed over where that takes no part, so that a misspelt one would never be noticed."""
    nodes = {part.name if isinstance(part, Service) else f"{one.name}.{part.name}" for one in FOUND.components for part in parts_of(one)}
    wishes = {wish for part in PARTS for wish in part.after}
    assert wishes - nodes - {one.name for one in FOUND.components} == set()


def test_names_and_aliases_are_unique() -> None:
    """A name means one component."""
    names = [name for component in FOUND.components for name in (component.name, *component.aliases)]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    ("name", "component"),
    [
        ("ajax_console_proxy", "nova-novncproxy"),
        ("api", "nova-api"),
        ("compute", "nova-compute"),
        ("network", "neutron"),
        ("scheduler", "nova-scheduler"),
        ("volume", "cinder"),
    ],
)
def test_names_of_nova_sh_are_known(name: str, component: str) -> None:
    """Whoever knew nova.sh finds its services by its names."""
    assert resolve_name(name, FOUND.components) == component


@pytest.mark.parametrize("word", ["keystone", "neutron", "glance", "placement", "cinder"])
def test_novaflow_knows_no_service(word: str) -> None:
    """What is true of one cloud only stands in workflows/."""
    told = [str(path.relative_to(ROOT)) for path in (ROOT / "novaflow").rglob("*.py") if word in path.read_text().lower()]
    assert told == []
