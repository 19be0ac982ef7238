"""The software bill of materials of a stack."""

from datetime import UTC, datetime
from importlib.metadata import version
from uuid import uuid4

from novaflow.errors import UsageError
from novaflow.model.component import declared
from novaflow.model.software import SoftwareSource
from novaflow.render.as_cyclonedx import describe_software
from novaflow.runtime.stack import Stack


def describe_installed_software(stack: Stack) -> dict[str, object]:
    """Return the CycloneDX object that `sbom` prints.

    Raises: UsageError, if the stack has no environment yet.
    """
    if not any(stack.paths.root.glob("*/pyvenv.cfg")):
        raise UsageError(f"{stack.paths.root} has no Python environment to list; run `novaflow install` or `novaflow up` first")
    found = [one for source in declared(stack.components, SoftwareSource) for one in source.find(stack.components, stack.paths)]
    return describe_software(stack.name, found, version=version("novaflow"), created=datetime.now(UTC), serial=uuid4())
