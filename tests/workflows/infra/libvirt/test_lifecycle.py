"""libvirt's files and probe, and what it leaves: domains and namespaces."""

import uuid
from collections.abc import Callable
from configparser import RawConfigParser
from pathlib import Path

import anyio
import pytest

from novaflow.adapters.local import NodeContext
from novaflow.model.check import CheckResult, Severity
from novaflow.model.orphan import OrphanedResource
from novaflow.model.paths import Paths
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.step import Skipped
from tests.support.settings import make_settings
from tests.support.stand_ins import StandIns
from workflows.infra.libvirt.component import COMPONENT, LIBVIRTD, configure, reset
from workflows.infra.libvirt.console_tls import certificates
from workflows.infra.libvirt.lxc import check_cgroups, check_loop_devices
from workflows.infra.libvirt.namespaces import enter_namespaces, run_libvirtd
from workflows.infra.libvirt.orphans import REMOVERS, find_domains
from workflows.infra.libvirt.settings import LibvirtType
from workflows.platform.orphans import remove_found

MakeContext = Callable[..., NodeContext]


async def read(ctx: NodeContext, name: str) -> dict[str, str]:
    """Return the options of one of libvirt's files."""
    await configure.body(ctx)
    parser = RawConfigParser()
    parser.read_string("[all]\n" + (ctx.paths.data / "libvirt/etc" / name).read_text())
    return dict(parser["all"])


async def test_only_root_may_connect(make_context: MakeContext) -> None:
    """All three sockets are in the stack's folder and accept their owner; a login is not needed then."""
    ctx = make_context()
    options = await read(ctx, "libvirtd.conf")
    assert [options[f"unix_sock_{kind}_perms"] for kind in ("ro", "rw", "admin")] == ['"0700"'] * 3
    assert options["unix_sock_dir"] == f'"{ctx.paths.run}/libvirt"'
    assert (ctx.paths.run / "libvirt").is_dir()


async def test_the_host_has_the_same_id_at_each_start(make_context: MakeContext) -> None:
    """It is a UUID, which nova stores."""
    ctx = make_context()
    first, second = [(await read(ctx, "libvirtd.conf"))["host_uuid"].strip('"') for _ in range(2)]
    assert first == second == str(uuid.UUID(first))


async def test_servers_need_no_second_daemon(make_context: MakeContext) -> None:
    """Their output goes to a file, not to virtlogd; they have neither a security driver nor a namespace of their own."""
    options = await read(make_context(), "qemu.conf")
    assert (options["stdio_handler"], options["security_driver"], options["namespaces"]) == ('"file"', '"none"', "[]")


async def test_a_client_of_a_graphical_console_needs_a_certificate(make_context: MakeContext) -> None:
    """QEMU verifies it against the authority of the stack, and shows one itself."""
    ctx = make_context()
    options = await read(ctx, "qemu.conf")
    assert (options["vnc_tls"], options["vnc_tls_x509_verify"]) == ("1", "1")
    assert options["vnc_tls_x509_cert_dir"] == f'"{ctx.paths.etc}/console-tls/server"'


def test_emulated_servers_have_consoles_with_certificates() -> None:
    """Containers and simulated servers have no graphical console; libvirt starts after the certificates exist."""
    assert {kind for kind in LibvirtType if certificates.when(make_settings(libvirt_type=kind))} == {
        LibvirtType.AUTO,
        LibvirtType.KVM,
        LibvirtType.QEMU,
    }
    assert "libvirt.certificates" in LIBVIRTD.needs


async def test_the_memory_of_suspended_servers_is_kept(make_context: MakeContext) -> None:
    """A start keeps it, a reset deletes it, and a second reset has nothing to delete."""
    ctx = make_context()
    saved = ctx.paths.data / "libvirt/lib/qemu/save/one.save"
    saved.parent.mkdir(parents=True)
    saved.touch()
    assert await configure.body(ctx) == str(ctx.paths.data / "libvirt")
    assert saved.exists()
    assert await reset.body(ctx) == f"deleted {ctx.paths.data}/libvirt"
    assert await reset.body(ctx) == Skipped("there is no state")


async def test_a_daemon_that_answers_virsh_is_ready(make_context: MakeContext) -> None:
    """The answer is the line with the daemon's version; a failure is answered with the output of virsh."""
    ctx = make_context()
    assert isinstance(LIBVIRTD.ready, FunctionProbe)
    programs = StandIns(ctx)
    programs.add("virsh", script="echo 'Using library: libvirt 9.0.0'; echo 'Running against daemon: 9.0.0'; echo")
    assert await LIBVIRTD.ready.check(ctx) == "answered virsh version with Running against daemon: 9.0.0"
    address = f"qemu+unix:///system?socket={ctx.paths.run}/libvirt/libvirt-sock"
    assert programs.calls == [f"virsh --connect {address} version --daemon"]
    programs.add("virsh", script="echo 'error: Failed to connect socket' >&2; exit 1")
    with pytest.raises(NotYet, match=r"^error: Failed to connect socket$"):
        await LIBVIRTD.ready.check(ctx)


async def test_domains_that_are_still_defined_are_removed(make_context: MakeContext) -> None:
    """Those of both drivers are found by their files; other files in the folder stay."""
    ctx = make_context()
    folder = ctx.paths.data / "libvirt/etc"
    for name in ("qemu/instance-2.xml", "qemu/instance-1.xml", "lxc/instance-3.xml", "qemu/networks/default.xml", "qemu/notes"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    found = [one for one in await find_domains(ctx) if one.kind == "domain"]
    assert found == [
        OrphanedResource("domain", Path(name).stem, f"{folder}/{name} defines it")
        for name in ("qemu/instance-1.xml", "qemu/instance-2.xml", "lxc/instance-3.xml")
    ]
    assert await remove_found(ctx, found, REMOVERS) == "removed domain: 3"
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["default.xml", "notes"]


def test_the_command_of_libvirtd_names_its_folder(tmp_path: Path) -> None:
    """The script in the new namespaces gets the folder of the stack and the program."""
    *_, pid_file, shell, script, root, libvirtd = run_libvirtd(Paths(tmp_path))
    assert (pid_file, shell, root) == (tmp_path / "run/libvirt/namespaces.pid", "/bin/sh", tmp_path)
    assert Path(script).is_file()
    assert Path(libvirtd).name == "libvirtd"


async def test_a_program_enters_the_namespaces_of_the_recorded_process(make_context: MakeContext) -> None:
    """The arguments of the program are passed on as they are."""
    ctx = make_context()
    (ctx.paths.run / "libvirt").mkdir()
    (ctx.paths.run / "libvirt/namespaces.pid").write_text("4711\n")
    programs = StandIns(ctx)
    programs.add("nsenter")
    await ctx.run(*enter_namespaces(ctx.paths), "nova-compute", "--config-file", "a b")
    assert programs.calls == ["nsenter --mount=/proc/4711/ns/mnt --pid=/proc/4711/ns/pid_for_children nova-compute --config-file a b"]


async def test_without_namespaces_no_program_runs(make_context: MakeContext) -> None:
    """Libvirtd has not been started: the program would run in the namespaces of this machine."""
    ctx = make_context()
    programs = StandIns(ctx)
    programs.add("nsenter")
    ended = await anyio.run_process([*enter_namespaces(ctx.paths), "true"], env=ctx.environment({}), check=False)
    assert ended.returncode != 0
    assert programs.calls == []


@pytest.mark.parametrize(("libvirt_type", "value"), [("auto", "qemu"), ("kvm", "qemu"), ("qemu", "qemu"), ("lxc", "lxc"), ("fake", "fake")])
def test_a_cloud_keeps_the_kind_of_its_servers(libvirt_type: str, value: str) -> None:
    """KVM and QEMU run the same servers, so that a cloud can change between them."""
    (fixed,) = [each for each in COMPONENT.declares if getattr(each, "name", "") == "LIBVIRT_TYPE"]
    assert fixed.value(make_settings(libvirt_type=libvirt_type)) == value  # type: ignore[attr-defined]


def test_the_checks_of_containers_say_what_is_missing(tmp_path: Path) -> None:
    """A bad result names what LIBVIRT_TYPE=lxc requires, and the alternative."""
    for result in (check_cgroups(make_settings(), Paths(tmp_path)), check_loop_devices(make_settings(), Paths(tmp_path))):
        if result.severity is Severity.GOOD:
            assert result in {
                CheckResult("cgroups", Severity.GOOD, "version 1"),
                CheckResult("cgroups", Severity.GOOD, "version 2"),
                CheckResult("loop devices", Severity.GOOD, "/dev/loop-control"),
            }
        else:
            assert result.found.endswith("; LIBVIRT_TYPE=lxc requires it")
            assert result.advice.endswith(", or set LIBVIRT_TYPE to auto")
