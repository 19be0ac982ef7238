"""The installed packages of Debian that the components of a stack name."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import quote

from novaflow.model.software import Software

ENVIRONMENT = "dpkg"


def find_packages(names: tuple[str, ...], status: Path, os_release: Mapping[str, str]) -> Iterator[Software]:
    """Yield those of the packages that are installed.

    ``status`` is dpkg's list of packages. Source: dpkg(1), FILES; deb-control(5)
    """
    wanted = set(names)
    for paragraph in status.read_text(encoding="utf-8", errors="replace").split("\n\n"):
        fields = dict(re.findall(r"^([\w-]+): (.*)$", paragraph, re.MULTILINE))
        if fields.get("Package") in wanted and fields["Status"].endswith(" ok installed"):
            yield Software(fields["Package"], fields["Version"], ENVIRONMENT, _write_purl(fields, os_release))


def _write_purl(fields: Mapping[str, str], os_release: Mapping[str, str]) -> str:
    """Return the package URL. Source: the definition of the type `deb` in the specification of package URLs."""
    escape = partial(quote, safe=":")  # the only character that URLs reserve and package URLs do not
    system, release = os_release.get("ID", "debian"), os_release.get("VERSION_ID", "")
    distribution = f"&distro={escape(f'{system}-{release}')}" if release else ""
    return f"pkg:deb/{system}/{escape(fields['Package'])}@{escape(fields['Version'])}?arch={fields['Architecture']}{distribution}"
