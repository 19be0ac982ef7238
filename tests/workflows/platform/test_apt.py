"""apt: progress, errors and packages; a program of the test stands in for apt-get, which is not run twice at a time."""

import hashlib
from collections.abc import Callable

import pytest

from novaflow.adapters.local import NodeContext
from novaflow.errors import MachineError, ProgramFailed
from novaflow.model.step import Skipped
from tests.support.terminals import require_program
from workflows.platform.apt import Apt

pytestmark = pytest.mark.slow

MakeContext = Callable[..., NodeContext]


def replace_apt_get(ctx: NodeContext, script: str) -> Apt:
    """Write programs that the steps of this stack run instead of apt-get and dpkg: their PATH starts with the stack's environment."""
    folder = ctx.paths.venv / "bin"
    folder.mkdir(parents=True)
    for name, text in (("apt-get", script), ("dpkg", "exit 0")):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return Apt(policy=ctx.paths.data / "policy-rc.d")


@pytest.fixture(autouse=True)
def dpkg() -> None:
    """Require dpkg, and with it Debian."""
    require_program("dpkg-query")


async def test_installed_packages_are_skipped(make_context: MakeContext) -> None:
    """apt-get is not run."""
    ctx = make_context()
    apt = replace_apt_get(ctx, "exit 1")
    assert await apt.install(ctx, ("dpkg", "coreutils")) == Skipped("all 2 packages are installed")


async def test_an_installation_restarts_no_service_of_the_machine(make_context: MakeContext) -> None:
    """The package needrestart, which apt runs at the end, does nothing, and no question is asked."""
    ctx = make_context()
    apt = replace_apt_get(ctx, f"env >{ctx.paths.data}/environment; exit 1")
    with pytest.raises(ProgramFailed):
        await apt.install(ctx, ("nf-does-not-exist",))
    lines = (ctx.paths.data / "environment").read_text().splitlines()
    assert {"NEEDRESTART_SUSPEND=1", "DEBIAN_FRONTEND=noninteractive"} <= {*lines}


async def test_a_metapackage_is_resolved(make_context: MakeContext) -> None:
    """What it needs is found by the start of its name, and what that needs."""
    newest, *others = await Apt().find_dependencies(make_context(), "python3", ("python3.", "libpython3."))
    assert newest.startswith("python3.")
    assert {f"{newest}-minimal", f"lib{newest}-minimal"} <= {*others}
    assert all(name.startswith(("python3.", "libpython3.")) for name in others)


async def test_a_metapackage_without_the_dependency_is_rejected(make_context: MakeContext) -> None:
    """The error names both."""
    with pytest.raises(MachineError, match=r"^apt has no linux-image- or linux-modules- for python3; check the sources of apt$"):
        await Apt().find_dependencies(make_context(), "python3", ("linux-image-", "linux-modules-"))


async def test_a_package_is_unpacked_into_a_new_folder(make_context: MakeContext) -> None:
    """Older files and the archive are removed."""
    ctx = make_context()
    folder = ctx.paths.data / "unpacked"
    folder.mkdir()
    (folder / "old").touch()
    control = "Package: nf\nVersion: 1\nArchitecture: all\nMaintainer: nf\nDescription: nf"
    build = f'mkdir -p "$PWD.deb/DEBIAN" "$PWD.deb/opt"; echo "{control}" >"$PWD.deb/DEBIAN/control"; echo hello >"$PWD.deb/opt/nf"'
    apt = replace_apt_get(ctx, f'{build}; dpkg-deb --build "$PWD.deb" nf.deb')
    await apt.unpack(ctx, ("nf",), folder)
    assert [str(path.relative_to(folder)) for path in sorted(folder.rglob("*"))] == ["opt", "opt/nf"]
    assert (folder / "opt/nf").read_text() == "hello\n"


async def test_package_lists_are_complete_before_a_package_is_unpacked(make_context: MakeContext) -> None:
    """An empty system has none."""
    ctx = make_context()
    calls = ctx.paths.data / "calls"
    apt = replace_apt_get(ctx, f'case "$*" in *update*) echo update ;; *) echo download ;; esac >>{calls}')
    await apt.unpack(ctx, ("nf-does-not-exist",), ctx.paths.data / "unpacked")
    assert calls.read_text().split() == ["update", "download"]


async def test_an_unknown_metapackage_is_rejected(make_context: MakeContext) -> None:
    """The lists are updated first."""
    ctx = make_context()
    apt = replace_apt_get(ctx, f"touch {ctx.paths.data}/updated")
    with pytest.raises(MachineError, match=r"^apt has no linux-image for nf-does-not-exist; check the sources of apt$"):
        await apt.find_dependencies(ctx, "nf-does-not-exist", ("linux-image",))
    assert (ctx.paths.data / "updated").exists()


async def test_downloaded_packages_are_a_repository(make_context: MakeContext) -> None:
    """Its index has the fields, the size and the hash of each package, whose name has no escaped colon."""
    ctx = make_context()
    folder = ctx.paths.data / "packages"
    control = "Package: nf\\nVersion: 1:2\\nArchitecture: all\\nMaintainer: nf\\nDescription: nf\\n"
    build = f'mkdir -p "$1/DEBIAN"; printf "{control}" >"$1/DEBIAN/control"; dpkg-deb --build "$1" "$2" >/dev/null; rm -r "$1"'
    apt = replace_apt_get(ctx, f'case "$*" in *--download-only*) set -- {folder}/tree "{folder}/nf_1%3a2_all.deb"; {build} ;; esac')
    await apt.download(ctx, ("nf",), (), folder)
    (archive,) = folder.glob("*.deb")
    assert {path.name for path in folder.iterdir()} == {"nf_1-2_all.deb", "Packages"}
    index = (folder / "Packages").read_text()
    size, digest = archive.stat().st_size, hashlib.sha256(archive.read_bytes()).hexdigest()
    assert index == f"{control}Filename: ./nf_1-2_all.deb\nSize: {size}\nSHA256: {digest}\n\n".replace("\\n", "\n")


async def test_a_package_that_cannot_be_downloaded_is_named(make_context: MakeContext) -> None:
    """The error contains the output of apt-get."""
    ctx = make_context()
    apt = replace_apt_get(ctx, "case $* in *update*) ;; *) echo 'E: Unable to locate package nf'; exit 100 ;; esac")
    with pytest.raises(MachineError, match=r"^nf cannot be downloaded; check the network and the sources of apt:\nE: Unable"):
        await apt.unpack(ctx, ("nf",), ctx.paths.data / "unpacked")


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        ("E: Could not get lock /var/lib/dpkg/lock", "another program held the lock of apt for 300 s; wait until it has finished"),
        ("E: You don't have enough free space in /var", "the disk is full; free disk space and run `novaflow install` again"),
        ("dpkg: No space left on device", "the disk is full; free disk space and run `novaflow install` again"),
        ("Could not resolve 'mirror.example'", "Debian packages cannot be downloaded; check the network"),
        ("Could not connect to 127.0.0.1:1 (127.0.0.1). - connect (111: Connection refused)", "Debian packages cannot be downloaded;"),
        ("Unable to connect to 127.0.0.1:1:", "Debian packages cannot be downloaded; check the network, the proxy"),
    ],
)
async def test_an_error_of_apt_says_what_to_do(make_context: MakeContext, printed: str, message: str) -> None:
    """The message is the cause, the next action and the output of apt-get."""
    ctx = make_context()
    apt = replace_apt_get(ctx, f'case "$*" in *update*) ;; *) echo "{printed}"; exit 100 ;; esac')
    with pytest.raises(MachineError) as caught:
        await apt.install(ctx, ("nf-does-not-exist",))
    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith(printed)


async def test_an_unknown_error_of_apt_is_not_changed(make_context: MakeContext) -> None:
    """Its exit code and output are those of apt-get."""
    ctx = make_context()
    apt = replace_apt_get(ctx, 'case "$*" in *update*) ;; *) exit 7 ;; esac')
    with pytest.raises(ProgramFailed) as caught:
        await apt.install(ctx, ("nf-does-not-exist",))
    assert caught.value.returncode == 7


async def test_apt_downloads_through_the_proxy(make_context: MakeContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets the variables of the proxy, and no others."""
    ctx = make_context()
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("UV_INDEX", "a-secret")
    variables = ctx.paths.data / "variables"
    apt = replace_apt_get(ctx, f"env >>{variables}")
    await apt.install(ctx, ("nf-does-not-exist",))
    await apt.unpack(ctx, ("nf",), ctx.paths.data / "unpacked")
    assert variables.read_text().count("http_proxy=http://proxy.example:3128\n") == 4  # update and install, update and download
    assert "a-secret" not in variables.read_text()


async def test_outdated_lists_are_downloaded_again(make_context: MakeContext) -> None:
    """If the mirror no longer has a file, the lists are updated and the installation is repeated once."""
    ctx = make_context()
    calls = ctx.paths.data / "calls"
    first = f"[ $(grep -c install {calls}) -ne 1 ] || {{ echo 404 Not Found; exit 100; }}"
    apt = replace_apt_get(ctx, f'case "$*" in *update*) echo update >>{calls} ;; *) echo install >>{calls}; {first} ;; esac')
    await apt.install(ctx, ("nf-does-not-exist",))
    assert calls.read_text().split() == ["update", "install", "update", "install"]


async def test_no_service_is_started_during_the_installation(make_context: MakeContext) -> None:
    """A policy forbids it while apt-get runs, and is removed afterwards; one of the user is kept."""
    ctx = make_context()
    apt = replace_apt_get(ctx, f"! [ -x {ctx.paths.data}/policy-rc.d ] || {ctx.paths.data}/policy-rc.d; echo $? >{ctx.paths.data}/code")
    await apt.install(ctx, ("nf-does-not-exist",))
    assert (ctx.paths.data / "code").read_text() == "101\n"
    assert not apt.policy.exists()
    apt.policy.write_text("#!/bin/sh\nexit 0\n")
    apt.policy.chmod(0o755)
    await apt.install(ctx, ("nf-does-not-exist",))
    assert (ctx.paths.data / "code").read_text() == "0\n"
    assert apt.policy.exists()


async def test_progress_is_reported(make_context: MakeContext, reports: list[tuple[str, float | None]]) -> None:
    """The download counts for 30 %, the installation for 70 %; a wait for the lock is reported as text."""
    ctx = make_context()
    lines = ("dlstatus:1:50.0:Retrieving", "pmstatus:nf:100.0:Installed nf", "pmstatus:nf:x:ignored", "Waiting for cache lock: 4711")
    apt = replace_apt_get(ctx, "\n".join(f"echo '{line}'" for line in lines))
    await apt.install(ctx, ("nf-does-not-exist",))
    assert [*dict.fromkeys(reports)] == [
        ("Retrieving", 0.15),
        ("Installed nf", 1.0),
        ("Waiting for cache lock: 4711; waiting for 300 s at most", None),
    ]
