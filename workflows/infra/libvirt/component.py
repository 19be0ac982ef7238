"""libvirt and the emulator, which run servers; private to the stack."""

import shutil
import uuid
from pathlib import Path

from novaflow.errors import ProgramFailed
from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.context import Context
from novaflow.model.paths import Paths
from novaflow.model.probe import FunctionProbe, NotYet
from novaflow.model.service import Service
from novaflow.model.settings import Settings
from novaflow.model.step import Skipped, step
from workflows.infra.database.origin import FixedSetting
from workflows.infra.libvirt.address import libvirt_url
from workflows.infra.libvirt.console_tls import certificates, server_folder
from workflows.infra.libvirt.namespaces import run_libvirtd
from workflows.infra.libvirt.orphans import REMOVERS, find_domains
from workflows.infra.libvirt.settings import LibvirtSettings, LibvirtType
from workflows.platform.disk import delete_folder
from workflows.platform.kernel import find_kvm_error
from workflows.platform.orphans import removal
from workflows.platform.python_env import link_modules
from workflows.platform.system_packages import SystemPackages


def _is_real(settings: Settings) -> bool:
    return settings.of(LibvirtSettings).libvirt_type is not LibvirtType.FAKE


def _kind_of_server(settings: Settings) -> str:
    """Return the type, where ``qemu`` stands for all that can run the same servers."""
    chosen = settings.of(LibvirtSettings).libvirt_type
    return str(chosen) if chosen in {LibvirtType.LXC, LibvirtType.FAKE} else str(LibvirtType.QEMU)


def check_kvm(settings: Settings, _: Paths) -> CheckResult:
    """Check whether servers can use the processor's virtualisation."""
    chosen = settings.of(LibvirtSettings).libvirt_type
    if chosen in {LibvirtType.FAKE, LibvirtType.LXC, LibvirtType.QEMU}:
        return CheckResult("virtualisation", Severity.GOOD, f"not required by LIBVIRT_TYPE={chosen}")
    error = find_kvm_error()
    if error is None:
        return CheckResult("virtualisation", Severity.GOOD, "KVM works")
    if chosen is LibvirtType.KVM:
        found = f"KVM does not work ({error}); LIBVIRT_TYPE=kvm requires it"
        return CheckResult("virtualisation", Severity.BAD, found, "set LIBVIRT_TYPE to auto or qemu")
    found = f"KVM does not work ({error}); servers are emulated"
    return CheckResult("virtualisation", Severity.WARNING, found, "no action needed for small servers")


# The system package fits the libvirt of this machine.
@step(needs=("python.environment", "packages.install"), within_s=30)
async def binding(ctx: Context) -> Skipped | str:
    """Link the system's libvirt module into the stack's virtual environment."""
    return await link_modules(ctx, "libvirt.py", "libvirtmod*.so", proof="libvirt")


@step(within_s=60, when=_is_real)
async def configure(ctx: Context) -> str:
    """Write the configuration of libvirt into the folder that libvirtd has as /etc/libvirt."""
    folder = _folder(ctx)
    for name in ("cache", "log", "etc"):  # not `lib`: it contains the memory of suspended servers
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("lib", "cache", "log", "etc/qemu/networks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (ctx.paths.run / "libvirt").mkdir(exist_ok=True)
    daemon = {
        "unix_sock_dir": f'"{ctx.paths.run}/libvirt"',
        "unix_sock_ro_perms": '"0700"',
        "unix_sock_rw_perms": '"0700"',
        "unix_sock_admin_perms": '"0700"',
        "auth_unix_ro": '"none"',
        "auth_unix_rw": '"none"',
        "log_outputs": '"3:stderr"',
        "host_uuid": f'"{uuid.uuid5(uuid.NAMESPACE_URL, str(ctx.paths.root))}"',  # a new machine may have no machine-id
    }
    emulator = {
        "user": '"root"',
        "group": '"root"',
        "dynamic_ownership": 0,
        "remember_owner": 0,
        "security_driver": '"none"',
        "stdio_handler": '"file"',  # the default needs virtlogd, a second daemon
        "max_core": 0,  # the limit of the stack; libvirt's own is unlimited, which libvirt 11 may not set
        "namespaces": "[]",
        "cgroup_controllers": "[]",  # servers end with the PID namespace
        # A client of a graphical console needs a certificate: every user of the machine can connect to its port.
        "vnc_tls": 1,
        "vnc_tls_x509_verify": 1,
        "vnc_tls_x509_cert_dir": f'"{server_folder(ctx.paths)}"',
    }
    for name, options in (("libvirtd.conf", daemon), ("qemu.conf", emulator)):
        await ctx.write(folder / "etc" / name, "".join(f"{key} = {value}\n" for key, value in options.items()))
    return str(folder)


@step(after=("database.reset",), within_s=60)
async def reset(ctx: Context) -> Skipped | str:
    """Delete the state of libvirt, with the memory of suspended servers."""
    return delete_folder(_folder(ctx), missing="there is no state")


def _folder(ctx: Context) -> Path:
    return ctx.paths.data / "libvirt"


async def _probe_libvirt(ctx: Context) -> str:
    try:
        answer = await ctx.run("virsh", "--connect", libvirt_url(ctx.settings, ctx.paths), "version", "--daemon")
    except ProgramFailed as error:
        raise NotYet(error.log_tail) from error
    return f"answered virsh version with {answer.strip().splitlines()[-1]}"


LIBVIRTD = Service(
    name="libvirtd",
    summary="libvirt, in a private mount and PID namespace.",
    command=lambda ctx: run_libvirtd(ctx.paths),
    ready=FunctionProbe(_probe_libvirt, "virsh version"),
    needs=("libvirt.configure", "libvirt.certificates"),
    when=_is_real,
)

COMPONENT = Component(
    name="libvirt",
    summary="The hypervisor.",
    declares=(
        FixedSetting("LIBVIRT_TYPE", _kind_of_server),
        SystemPackages(
            debian=(
                "libvirt-daemon",
                "libvirt-daemon-driver-qemu",
                "libvirt-clients",
                "qemu-system-x86",
                "qemu-utils",
                "openssl",
                "python3-libvirt",
            )
        ),
    ),
    checks=(check_kvm,),
    parts={
        "install": (binding,),
        "run": (configure, certificates, LIBVIRTD),
        "reset": (reset,),
        "clean": (removal(find_domains, REMOVERS),),
    },
    orphans=(find_domains,),
    settings=(LibvirtSettings,),
)
