"""libvirt and the emulator: what runs servers, of the stack's own."""

import shutil
import uuid
from pathlib import Path

from novaflow.errors import ProgramFailed
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.service import Service
from novaflow.model.settings import Settings
from novaflow.model.step import step
from workflows.infra.libvirt.address import libvirt_url, room_file
from workflows.infra.libvirt.settings import LibvirtSettings, LibvirtType
from workflows.platform.orphans import find_domains, removal
from workflows.platform.system_packages import SystemPackages

IN_A_ROOM = 'echo $$ >"$0" && exec unshare --mount --propagation private --pid --fork --kill-child=KILL --mount-proc "$@"'
OWN_ROOM = Path(__file__).with_name("libvirt-namespace.sh")


def _is_real(settings: Settings) -> bool:
    return settings.of(LibvirtSettings).libvirt_type is not LibvirtType.FAKE


@step(within_s=60, when=_is_real)
async def configure(ctx: Context) -> str:
    """Write libvirt's configuration into a folder that only the stack's libvirt sees as /etc/libvirt."""
    room = ctx.paths.data / "libvirt"
    shutil.rmtree(room, ignore_errors=True)
    for folder in ("lib", "cache", "log", "etc/qemu/networks"):
        (room / folder).mkdir(parents=True)
    (ctx.paths.run / "libvirt").mkdir(exist_ok=True)
    daemon = {
        "unix_sock_dir": f'"{ctx.paths.run}/libvirt"',
        "unix_sock_rw_perms": '"0700"',
        "unix_sock_admin_perms": '"0700"',
        "auth_unix_ro": '"none"',
        "auth_unix_rw": '"none"',
        "log_outputs": '"3:stderr"',
        "host_uuid": f'"{uuid.uuid5(uuid.NAMESPACE_URL, str(ctx.paths.root))}"',  # a fresh machine may have no id yet
    }
    emulator = {
        "user": '"root"',
        "group": '"root"',
        "dynamic_ownership": 0,
        "remember_owner": 0,
        "security_driver": '"none"',
        "stdio_handler": '"file"',  # else a second daemon, virtlogd, keeps the consoles
        "namespaces": "[]",
        "cgroup_controllers": "[]",  # servers end with the room they are in
    }
    for name, options in (("libvirtd.conf", daemon), ("qemu.conf", emulator)):
        await ctx.write(room / "etc" / name, "".join(f"{key} = {value}\n" for key, value in options.items()))
    return str(room)


async def _ask_libvirt(ctx: Context) -> str:
    try:
        answer = await ctx.run("virsh", "--connect", libvirt_url(ctx.settings, ctx.paths), "version", "--daemon")
    except ProgramFailed as error:
        raise NotYet(error.log_tail) from error
    return f"answered virsh version with {answer.strip().splitlines()[-1]}"


LIBVIRTD = Service(
    name="libvirtd",
    summary="libvirt, in a room of its own.",
    # Servers are processes of the room: when its first process ends, so do they, whoever killed what before.
    command=lambda ctx: ("/bin/sh", "-c", IN_A_ROOM, room_file(ctx.paths), "/bin/sh", OWN_ROOM, ctx.paths.root),
    ready=FunctionProbe(_ask_libvirt, "virsh version"),
    needs=("libvirt.configure",),
    when=_is_real,
)

COMPONENT = Component(
    name="libvirt",
    summary="What runs servers.",
    declares=(SystemPackages(debian=("libvirt-daemon", "libvirt-daemon-driver-qemu", "libvirt-clients", "qemu-system-x86", "qemu-utils")),),
    parts={"run": (configure, LIBVIRTD), "clean": (removal(find_domains),)},
    orphans=(find_domains,),
    settings=(LibvirtSettings,),
)
