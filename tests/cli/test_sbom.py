"""`novaflow sbom`: the software of a stack."""

import json

import pytest

from tests.support.cyclonedx import list_components, read_bom
from tests.support.toy_stack import Novaflow, ToyStack

SOURCES = """
from novaflow.model.component import Component
from novaflow.model.software import Software, SoftwareSource


def find(components, paths):
    yield Software("b", "2", "venv", "pkg:pypi/b@2", "MIT OR Apache-2.0", is_expression=True)
    yield Software("a", "1", "venv-b", licence="a text")


def find_others(components, paths):
    yield Software(components[0].name, paths.root.name, "venv", source="file:///tree@1a2b")


COMPONENT = Component("toy", "A toy.", declares=(SoftwareSource(find), SoftwareSource(find_others)))
"""


@pytest.fixture
def installed(toy: ToyStack) -> ToyStack:
    """Return a stack with a virtual environment, and components that list software."""
    toy.write("components/toy.py", SOURCES)
    (toy.root / "venv").mkdir(parents=True)
    (toy.root / "venv" / "pyvenv.cfg").touch()
    return toy


@pytest.mark.usefixtures("installed")
def test_it_is_a_valid_bill_of_materials(novaflow: Novaflow) -> None:
    """The library of the CycloneDX project accepts it; the stack depends on what its components list, in a fixed order."""
    ended = novaflow("sbom")
    assert (ended.code, ended.err) == (0, "")
    bom = read_bom(ended.out)
    assert [*list_components(bom)] == ["venv/b@2", "venv/toy@nova", "venv-b/a@1"]
    assert bom["metadata"]["component"] == {"type": "application", "bom-ref": "stack", "name": "nova"}
    assert bom["dependencies"] == [{"ref": "stack", "dependsOn": ["venv/b@2", "venv/toy@nova", "venv-b/a@1"]}]


@pytest.mark.usefixtures("installed")
def test_a_component_has_what_is_known_about_it(novaflow: Novaflow) -> None:
    """Package URL, licence and source are left out if there is none."""
    first, second, third = json.loads(novaflow("sbom").out)["components"]
    assert first == {
        "type": "library",
        "bom-ref": "venv/b@2",
        "name": "b",
        "version": "2",
        "purl": "pkg:pypi/b@2",
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
        "properties": [{"name": "novaflow:environment", "value": "venv"}],
    }
    assert second["properties"][1] == {"name": "novaflow:source", "value": "file:///tree@1a2b"}
    assert "purl" not in second
    assert "licenses" not in second
    assert third["licenses"] == [{"license": {"name": "a text"}}]


@pytest.mark.usefixtures("installed")
def test_two_documents_have_two_numbers(novaflow: Novaflow) -> None:
    """A serial number identifies one document."""
    first, second = (json.loads(novaflow("sbom").out)["serialNumber"] for _ in range(2))
    assert first != second


def test_a_stack_without_environments_is_refused(novaflow: Novaflow, toy: ToyStack) -> None:
    """The message names the folder and the commands that create an environment; nothing is created."""
    ended = novaflow("sbom")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"novaflow: {toy.root} has no Python environment to list; run `novaflow install` or `novaflow up` first\n"
    assert not toy.root.exists()
