"""The Python packages in the virtual environments of a stack."""

import json
import re
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from urllib.parse import quote

from novaflow.model.component import Component, declared
from novaflow.model.paths import Paths
from novaflow.model.software import Software
from workflows.platform.requirements import PythonModule

LICENCE_NAME = 80  # characters; some packages have the whole text in the field


def find_python_software(components: tuple[Component, ...], paths: Paths) -> Iterator[Software]:
    """Yield the packages of each virtual environment in the folder of the stack."""
    own = {module.name for module in declared(components, PythonModule)}
    for configuration in sorted(paths.root.glob("*/pyvenv.cfg")):
        folders = configuration.parent.glob("lib/python3*/site-packages")
        for found in distributions(path=[str(folder) for folder in folders]):
            if found.metadata["Name"]:  # a folder without metadata is left by an interrupted installation
                yield _describe(found, configuration.parent.name, is_own=found.metadata["Name"] in own)


def _describe(found: Distribution, environment: str, *, is_own: bool) -> Software:
    name, source = found.metadata["Name"], _read_source(found)
    licence, is_expression = _read_licence(found)
    purl = "" if source or is_own else f"pkg:pypi/{re.sub('[-_.]+', '-', name).lower()}@{quote(found.version, safe=':')}"
    return Software(name, found.version, environment, purl, licence, is_expression, source or ("novaflow" if is_own else ""))


def _read_source(found: Distribution) -> str:
    """Return the address that the package was installed from; empty for a registry.

    Source: the specification "Recording the Direct URL Origin of installed distributions".
    """
    text = found.read_text("direct_url.json")
    if text is None:
        return ""
    recorded = json.loads(text)
    commit = recorded.get("vcs_info", {}).get("commit_id", "")
    return f"{recorded['url']}@{commit}" if commit else str(recorded["url"])


def _read_licence(found: Distribution) -> tuple[str, bool]:
    """Return the licence that the metadata names, and whether it is an SPDX expression."""
    metadata = found.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"], True
    names = [line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier") or () if line.startswith("License ::")]
    if precise := [name for name in names if name != "OSI Approved"]:
        return " and ".join(precise), False
    text = metadata["License"].strip() if "License" in metadata else ""
    return ("", False) if text == "UNKNOWN" or "\n" in text or len(text) > LICENCE_NAME else (text, False)
