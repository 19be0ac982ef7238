"""The file of `novaflow bundle`: everything that an installation downloads, and the configuration that uses it instead of the network.

It is an archive of tar. nova.sh reads it, too, to install novaflow itself.
"""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from novaflow.errors import UsageError
from novaflow.settings.os_release import read_os_release
from novaflow.settings.trust import require_trusted

# On a disk, unlike some /tmp; and without characters that have a meaning in a file of apt, unlike some DIR.
FOLDER = "/var/tmp"  # noqa: S108 - TemporaryDirectory creates a folder in it that only its owner may enter
PLACE = "@FOLDER@"
APT = f"""\
Dir::Etc::SourceList "{PLACE}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "{PLACE}/lists";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Sandbox::User "root";
"""
UV = f"""\
offline = true
no-index = true
find-links = ["{PLACE}/wheels"]
"""


def describe_platform() -> str:
    """Return what a bundle depends on: distribution, release and processor."""
    fields = read_os_release()
    return f"{fields.get('ID', 'unknown')} {fields.get('VERSION_ID', '')} {platform.machine()}"


def bundle_files() -> dict[str, str]:
    """Return the text of each file of a bundle but the packages; ``@FOLDER@`` in it is the folder into which it is unpacked."""
    sources = f"deb [trusted=yes] file:{PLACE}/packages ./\n"
    return {"platform": describe_platform() + "\n", "apt.conf": APT, "sources.list": sources, "uv.toml": UV}


@contextmanager
def install_from(bundle: Path | None) -> Iterator[None]:
    """Let all programs that download take everything from the bundle during the block; ``None`` is the network.

    Raises: NotTrusted, if another user can change the file; UsageError, if it does not exist, is no bundle, or is one for another
    platform; OSError, if it cannot be unpacked.
    """
    if bundle is None:
        yield
        return
    require_trusted(bundle)
    with TemporaryDirectory(prefix="novaflow-bundle-", dir=FOLDER) as folder:
        _unpack(bundle, Path(folder))
        variables = {"APT_CONFIG": f"{folder}/apt.conf", "UV_CONFIG_FILE": f"{folder}/uv.toml"}
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def _unpack(bundle: Path, folder: Path) -> None:
    import tarfile  # noqa: PLC0415 - every command imports this module, few unpack a bundle

    try:
        with tarfile.open(bundle, "r:") as archive:
            content = archive.extractfile("platform")
            made_for = content.read().decode(errors="replace").strip() if content else ""
            if made_for != describe_platform():
                message = f"{bundle} is for {made_for}, and this machine is {describe_platform()}"
                raise UsageError(f"{message}; write one on such a machine with `novaflow bundle`")
            archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)  # Debian 12 has no filters
            archive.extractall(folder)  # noqa: S202 - no other user can change the file: `install_from` has checked it
    except FileNotFoundError as error:
        raise UsageError(f"--from: the file {bundle} does not exist") from error
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise UsageError(f"{bundle} is not a complete file of `novaflow bundle`: {error}; write it again") from error
    for name in bundle_files():
        (folder / name).write_text((folder / name).read_text(encoding="utf-8").replace(PLACE, str(folder)), encoding="utf-8")
