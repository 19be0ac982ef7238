"""The software of a real stack."""

import json

import pytest

from tests.cloud.stacks import Stack
from tests.support.cyclonedx import list_components, read_bom

pytestmark = pytest.mark.cloud


def test_the_software_of_a_stack_is_listed(cloud: Stack) -> None:
    """The document is valid; it has Nova with its package URL, the modules of novaflow without one, and packages of Debian."""
    bom = read_bom(cloud("sbom").stdout)
    found = {identifier.rpartition("@")[0]: component for identifier, component in list_components(bom).items()}
    assert found["venv/nova"]["purl"].startswith("pkg:pypi/nova@")
    assert "Apache" in json.dumps(found["venv/nova"]["licenses"])
    assert found["dpkg/mariadb-server-core"]["purl"].startswith("pkg:deb/")
    assert {"venv", "dpkg"} <= {identifier.partition("/")[0] for identifier in found}
