"""Software as a CycloneDX bill of materials.

Source: https://cyclonedx.org/docs/1.6/json/
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from novaflow.model.software import Software

SPEC = "1.6"
STACK = "stack"  # the identifier of the component that depends on all others


def describe_software(stack: str, software: Iterable[Software], *, version: str, created: datetime, serial: UUID) -> dict[str, object]:
    """Return the JSON object for the software of a stack, written by this version of novaflow at that time."""
    components = [_component(one) for one in sorted(software, key=lambda one: (one.environment, one.name, one.version))]
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": serial.urn,
        "version": 1,
        "metadata": {
            "timestamp": created.isoformat(timespec="seconds"),
            "tools": {"components": [{"type": "application", "name": "novaflow", "version": version}]},
            "component": {"type": "application", "bom-ref": STACK, "name": stack},
        },
        "components": components,
        "dependencies": [{"ref": STACK, "dependsOn": [one["bom-ref"] for one in components]}],
    }


def _component(one: Software) -> dict[str, object]:
    properties = {"novaflow:environment": one.environment, "novaflow:source": one.source}
    return {
        "type": "library",
        "bom-ref": f"{one.environment}/{one.name}@{one.version}",
        "name": one.name,
        "version": one.version,
        **({"purl": one.purl} if one.purl else {}),
        **({"licenses": [_licence(one)]} if one.licence else {}),
        "properties": [{"name": name, "value": value} for name, value in properties.items() if value],
    }


def _licence(one: Software) -> dict[str, object]:
    return {"expression": one.licence} if one.is_expression else {"license": {"name": one.licence}}
