"""Rules that all workflows and components must satisfy."""

import json
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import anyio
import pytest

from novaflow.adapters.storage import find_components
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

# Prints which files, sockets and programs the code of a folder opens while its modules are imported, from audit events.
AUDIT = """
import importlib, json, sys
root, found = sys.argv[1], []
def audit(event, args):
    if event.partition(".")[0] not in {"open", "socket", "subprocess", "os", "shutil", "tempfile"}:
        return
    frame = sys._getframe(1)
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        if frame.f_code.co_filename.startswith(root):
            found.append(f"{frame.f_code.co_filename}:{frame.f_lineno}: {event} {args!r}")
        frame = frame.f_back
sys.addaudithook(audit)
for name in sys.argv[2:]:
    importlib.import_module(name)
print(json.dumps(found))
"""


def list_modules() -> Iterator[str]:
    """Yield the name of every module in ``workflows/``."""
    for path in sorted((ROOT / "workflows").rglob("*.py")):
        yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def list_parts(component: Component) -> Iterator[Step | Service]:
    """Yield the parts of a component in all workflows."""
    for parts in component.parts.values():
        yield from parts


def has_service(component: Component) -> bool:
    """Return whether the component has a service."""
    return any(isinstance(part, Service) for part in component.parts.get("run", ()))


async def audit_imports(folder: Path, package: str, *modules: str) -> list[str]:
    """Return what the code of a package opens while its modules are imported."""
    answer = await anyio.run_process([sys.executable, "-W", "ignore", "-c", AUDIT, str(folder / package), *modules], cwd=folder)
    found: list[str] = json.loads(answer.stdout)
    return found


PARTS = [part for component in FOUND.components for part in list_parts(component)]


@pytest.mark.slow
async def test_an_import_has_no_effect() -> None:
    """The import of workflows opens no file and no socket, and starts no program."""
    assert await audit_imports(ROOT, "workflows", *list_modules()) == []


@pytest.mark.parametrize(
    "line", ["open(__file__)", "import socket; socket.socket()", "import os; os.listdir()", "import subprocess; subprocess.run(['true'])"]
)
async def test_an_import_with_an_effect_is_found(tmp_path: Path, line: str) -> None:
    """The audit of the test above finds files, sockets and programs."""
    (tmp_path / "busy").mkdir()
    (tmp_path / "busy/file.py").write_text(line)
    assert await audit_imports(tmp_path, "busy", "busy.file") != []


@pytest.mark.parametrize("part", [part for part in PARTS if isinstance(part, Step)], ids=lambda part: part.name)
def test_a_step_has_a_summary_and_a_time_limit(part: Step) -> None:
    """The summary is a sentence, which operators read."""
    assert part.summary[:1].isupper()
    assert part.summary.endswith(".")
    assert 0 < part.within_s <= (7200 if part.name == "run" else 1800)  # the unit tests of nova take an hour on two processors


@pytest.mark.parametrize("part", [part for part in PARTS if isinstance(part, Service)], ids=lambda part: part.name)
def test_a_service_has_a_summary_and_time_limits(part: Service) -> None:
    """Its start and its stop are limited, and its probe uses the port on which it listens."""
    assert part.summary.endswith(".")
    assert 0 < part.within_s <= 600
    assert 0 < part.grace_s <= 60
    if isinstance(part.ready, HttpProbe):
        assert part.ready.port == part.port


@pytest.mark.parametrize("component", FOUND.components, ids=lambda component: component.name)
def test_a_component_has_parts_of_existing_workflows_only(component: Component) -> None:
    """Parts of another workflow would never run."""
    assert component.summary.endswith(".")
    assert set(component.parts) <= set(FOUND.workflows)


@pytest.mark.parametrize("workflow", FOUND.workflows)
def test_a_workflow_is_valid_with_all_settings(workflow: str) -> None:
    """All needs exist, there is no cycle, and no two services have the same name or port."""
    for settings in CHOICES:
        compile_graph(workflow, select_components(FOUND.components, (), settings), settings)


@pytest.mark.parametrize("component", FOUND.components, ids=lambda component: component.name)
def test_a_component_can_be_selected_alone(component: Component) -> None:
    """NOVAFLOW_SERVICES with one name selects also the components that it needs."""
    settings = make_settings()
    chosen = select_components(FOUND.components, (component.name,), settings)
    for workflow in FOUND.workflows:
        compile_graph(workflow, chosen, settings)


OPTIONAL = [component for component in FOUND.components if has_service(component) and not component.every_stack]


@pytest.mark.parametrize("component", OPTIONAL, ids=lambda one: one.name)
def test_a_component_can_be_omitted(component: Component) -> None:
    """NOVAFLOW_SERVICES with all names but one omits that component and those that need it, in every workflow."""
    settings = make_settings()
    others = [one.name for one in FOUND.components if component not in select_components(FOUND.components, (one.name,), settings)]
    chosen = select_components(FOUND.components, others, settings)
    assert component not in chosen
    for workflow in FOUND.workflows:
        compile_graph(workflow, chosen, settings)


def test_the_names_in_after_exist() -> None:
    """A workflow ignores names of absent nodes, so a misspelt one would not be noticed."""
    nodes = {part.name if isinstance(part, Service) else f"{one.name}.{part.name}" for one in FOUND.components for part in list_parts(one)}
    names_after = {name for part in PARTS for name in part.after}
    assert names_after - nodes - {one.name for one in FOUND.components} == set()


def test_names_and_aliases_are_unique() -> None:
    """A name selects one component."""
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
    """The names of the services of nova.sh select the components that replace them."""
    assert resolve_name(name, FOUND.components) == component


@pytest.mark.parametrize("word", ["keystone", "neutron", "glance", "placement", "cinder"])
def test_novaflow_knows_no_service(word: str) -> None:
    """Only workflows/ depends on a service of OpenStack."""
    found = [str(path.relative_to(ROOT)) for path in (ROOT / "novaflow").rglob("*.py") if word in path.read_text().lower()]
    assert found == []
