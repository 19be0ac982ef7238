"""The requirements of every stack: user, distribution, Python, disk, memory, address."""

import os
import platform
import re
import socket
import sys
from pathlib import Path

from novaflow.errors import MachineError
from novaflow.model.check import CheckResult, Severity
from novaflow.model.component import Component
from novaflow.model.paths import Paths
from novaflow.model.settings import Settings
from workflows.platform.detect import find_distribution
from workflows.platform.disk import find_write_error, free_mib, low_mib
from workflows.platform.distribution import Distribution
from workflows.platform.mounts import REMOVERS, find_mounts
from workflows.platform.orphans import removal
from workflows.platform.processor import find_processor
from workflows.platform.settings import MachineSettings

DISK_MIB = 3_400  # environment 700, template 150, packages 1,600, disks of servers
MEMORY_MIB = 5_000  # all services of a stack use 3,600, a small server 150
OLDEST_PYTHON = (3, 11)  # of the series of Nova that is installed
# Services split words at spaces and interpret quotes (privsep, haproxy), begin comments (#, ;) or names ($, %) in their configuration,
# or take the character for a separator of lists (:) and URLs (?, &).
BREAKING = frozenset("\"'\\`#;$%:?&*")
LONGEST_FOLDER = 70  # bytes; a Unix socket's path is limited to 107, and the stack's are up to 30 longer than the folder's
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - no file is created: it is where the C library keeps semaphores. Source: sem_overview(7)
APPARMOR_PROFILES, ENFORCED = Path("/sys/kernel/security/apparmor/profiles"), " (enforce)"
# Programs of stacks for which Ubuntu or others have profiles. libvirtd's lets it use any folder.
CONFINABLE = {"dnsmasq", "haproxy", "mariadbd", "ovs-vswitchd", "slapd"}
HOST_NAME_PART = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")  # Source: RFC 1123, section 2.1


def check_user(_: Settings, __: Paths) -> CheckResult:
    """Check that the user is root."""
    if os.geteuid() == 0:
        return CheckResult("user", Severity.GOOD, "root")
    return CheckResult("user", Severity.BAD, f"user id {os.geteuid()} is not root", "run it with sudo")


def check_distribution(_: Settings, __: Paths) -> CheckResult:
    """Check that the distribution is supported and has all packages."""
    try:
        return describe_distribution(find_distribution())
    except MachineError as error:
        return _describe_unsupported("system", error)


def describe_distribution(found: Distribution) -> CheckResult:
    """Return the result for a supported distribution, a warning if it lacks packages."""
    if missing := found.missing_packages:
        advice = "set NOVAFLOW_SERVICES without the components that need them"
        return CheckResult("system", Severity.WARNING, f"{found.name} has no package {', '.join(missing)}", advice)
    return CheckResult("system", Severity.GOOD, found.name)


def check_processor(_: Settings, __: Paths) -> CheckResult:
    """Check that there are a guest's kernel and its boot loader for this machine's processors."""
    return describe_processor(platform.machine())


def describe_processor(machine: str) -> CheckResult:
    """Return the result for a processor, by the name that uname(2) has for it."""
    try:
        find_processor(machine)
    except MachineError as error:
        return _describe_unsupported("processor", error)
    return CheckResult("processor", Severity.GOOD, machine)


def _describe_unsupported(about: str, error: MachineError) -> CheckResult:
    reason, advice = str(error).split("; ", maxsplit=1)
    return CheckResult(about, Severity.BAD, reason, advice)


def check_python(_: Settings, __: Paths) -> CheckResult:
    """Check the version of Python."""
    version, oldest = platform.python_version(), ".".join(map(str, OLDEST_PYTHON))
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return CheckResult("python", Severity.GOOD, version)
    return CheckResult("python", Severity.BAD, f"{version}; Nova requires {oldest} or newer", f"install Python {oldest} or newer")


def check_disk_space(_: Settings, paths: Paths) -> CheckResult:
    """Check that the disk has enough free space for the installation, or for an installed stack to run."""
    free, is_installed = free_mib(paths.root), (paths.data / "template" / "key").exists()
    found, low = f"{free} MiB free for {paths.root}", low_mib(paths.root)
    if is_installed and free < low:
        found += f", less than {low} MiB: it is nearly full"
        return CheckResult("disk", Severity.WARNING, found, "free disk space: services fail on a full disk")
    if free >= DISK_MIB or is_installed:
        return CheckResult("disk", Severity.GOOD, found)
    return CheckResult("disk", Severity.BAD, f"{found}; {DISK_MIB} MiB are required", "free disk space, or choose another DIR")


def check_lock_folder(settings: Settings, _: Paths) -> CheckResult:
    """Check that services can create their lock files."""
    folder = settings.of(MachineSettings).lock_path
    if error := find_write_error(folder):
        return CheckResult("lock files", Severity.BAD, error, "choose another LOCK_PATH")
    return CheckResult("lock files", Severity.GOOD, str(folder))


def check_address(settings: Settings, _: Paths) -> CheckResult:
    """Check that services can listen on HOST_IP."""
    with socket.socket() as listener:
        try:
            listener.bind((settings.host_ip, 0))
        except OSError as error:
            found = f"HOST_IP={settings.host_ip} is not an address of this machine: {(error.strerror or '').lower()}"
            return CheckResult("address", Severity.BAD, found, "choose an address that `ip address` lists, or auto")
    return CheckResult("address", Severity.GOOD, settings.host_ip)


def check_memory(_: Settings, __: Paths) -> CheckResult:
    """Check the size of the memory."""
    memory_mib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    if memory_mib >= MEMORY_MIB:
        return CheckResult("memory", Severity.GOOD, f"{memory_mib} MiB")
    return CheckResult("memory", Severity.WARNING, f"{memory_mib} MiB; {MEMORY_MIB} MiB are recommended", "the machine may swap")


def check_host_name(_: Settings, __: Paths) -> CheckResult:
    """Check that services accept the name of this machine."""
    return describe_host_name(os.uname().nodename)


def describe_host_name(name: str) -> CheckResult:
    """Return the result for the name of a machine: neutron does not start with one that is not a host name of the internet."""
    parts = name.removesuffix(".").split(".")
    if all(map(HOST_NAME_PART.fullmatch, parts)) and not parts[-1].isdecimal():
        return CheckResult("host name", Severity.GOOD, name)
    found = f"{name!r} is not a host name of letters, digits and hyphens whose last part is not a number"
    return CheckResult("host name", Severity.BAD, found, "choose another one: hostnamectl hostname NAME")


def check_shared_memory(_: Settings, __: Paths) -> CheckResult:
    """Check that programs can create semaphores, without which services with several processes start none."""
    import multiprocessing  # noqa: PLC0415 - every command imports this module, few check the machine

    try:
        multiprocessing.Lock()
    except OSError as error:
        found = f"no semaphore can be created in {SHARED_MEMORY}: {str(error.strerror).lower()}"
        return CheckResult("shared memory", Severity.BAD, found, f"mount it: mount -t tmpfs tmpfs {SHARED_MEMORY}")
    return CheckResult("shared memory", Severity.GOOD, SHARED_MEMORY)


def check_confinement(_: Settings, __: Paths) -> CheckResult:
    """Check that AppArmor does not confine programs to the folders of the machine's own services."""
    try:
        return describe_confinement(APPARMOR_PROFILES.read_text(encoding="utf-8"))
    except OSError:  # without AppArmor, or not root
        return describe_confinement("")


def describe_confinement(profiles: str) -> CheckResult:
    """Return the result for the list of loaded profiles: a name and a mode in each line. Source: apparmor(7)."""
    enforced = (Path(line.removesuffix(ENFORCED)).name for line in profiles.splitlines() if line.endswith(ENFORCED))
    confined = sorted(CONFINABLE & {*enforced})
    if not confined:
        return CheckResult("AppArmor", Severity.GOOD, "confines no program that a stack runs")
    advice = f"if one of them fails: apparmor_parser --remove /etc/apparmor.d/usr.sbin.{confined[0]}"
    return CheckResult("AppArmor", Severity.WARNING, f"confines {', '.join(confined)}, which cannot use the folder of a stack then", advice)


def check_folder(_: Settings, paths: Paths) -> CheckResult:
    """Check that the path of the stack fits into sockets' addresses and into the configuration of all services."""
    folder = str(paths.root)
    if (length := len(os.fsencode(folder))) > LONGEST_FOLDER:
        found = f"{folder} has {length} bytes; the limit is {LONGEST_FOLDER}"
        return CheckResult("folder", Severity.BAD, found, "choose a DIR with a shorter path")
    if breaking := sorted({each for each in folder if each in BREAKING or each.isspace() or not each.isprintable()}):
        found = f"{folder!r} contains {', '.join(map(repr, breaking))}, which the configuration of services cannot contain"
        return CheckResult("folder", Severity.BAD, found, f"choose a DIR without spaces and {' '.join(sorted(BREAKING))}")
    return CheckResult("folder", Severity.GOOD, folder)


COMPONENT = Component(
    name="machine",
    summary="The requirements of every stack.",
    checks=(
        check_user,
        check_distribution,
        check_processor,
        check_python,
        check_host_name,
        check_address,
        check_disk_space,
        check_lock_folder,
        check_memory,
        check_shared_memory,
        check_confinement,
        check_folder,
    ),
    parts={"clean": (removal(find_mounts, REMOVERS),)},
    orphans=(find_mounts,),
    settings=(MachineSettings,),
)
