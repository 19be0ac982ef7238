"""Bills of materials, read with the library of the CycloneDX project."""

import json
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def read_bom(text: str) -> dict[str, Any]:
    """Return a bill of materials, which must be valid."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bom: dict[str, Any] = json.loads(text)
    return bom


def list_components(bom: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the components by their identifier, ENVIRONMENT/NAME@VERSION."""
    return {component["bom-ref"]: component for component in bom["components"]}
