"""The checks of a machine, which `doctor` shows: what they find and advise."""

# ruff: noqa: S603, TID251 - the test starts a known program

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from novaflow.model.check import CheckResult, Severity
from novaflow.model.paths import Paths
from tests.faults.disks import require_root, small_disk
from tests.support.settings import make_settings
from workflows.platform.debian import DEBIAN
from workflows.platform.machine_requirements import (
    COMPONENT,
    check_address,
    check_disk_space,
    check_folder,
    check_lock_folder,
    check_python,
    describe_confinement,
    describe_distribution,
    describe_host_name,
    describe_processor,
)

REPOSITORY = Path(__file__).parents[3]
DEFAULTS = make_settings()


def test_every_check_has_a_result(tmp_path: Path) -> None:
    """A result has a subject and a value; one that is not good also has advice."""
    for check in COMPONENT.checks:
        result = check(DEFAULTS, Paths(tmp_path))
        assert result.about
        assert result.found
        assert bool(result.advice) != (result.severity is Severity.GOOD)


def test_a_disk_that_is_nearly_full_is_a_warning(tmp_path: Path) -> None:
    """An installed stack on it can run, and will fail when it is full; with space it is good."""
    with small_disk(tmp_path / "nova", 50) as disk:
        (tmp_path / "nova/data/template/key").mkdir(parents=True)
        assert check_disk_space(DEFAULTS, Paths(tmp_path / "nova")).severity is Severity.GOOD
        disk.fill(free=1 << 20)
        result = check_disk_space(DEFAULTS, Paths(tmp_path / "nova"))
    found = f"1 MiB free for {tmp_path}/nova, less than 2 MiB: it is nearly full"
    assert result == CheckResult("disk", Severity.WARNING, found, "free disk space: services fail on a full disk")


def test_a_release_that_lacks_packages_is_a_warning() -> None:
    """The result names the release and the packages; a complete release is good."""
    release = replace(DEBIAN, name="Other 1", package_names={"novnc": (), "brz": ("breezy",), "radvd": ()})
    advice = "set NOVAFLOW_SERVICES without the components that need them"
    assert describe_distribution(release) == CheckResult("system", Severity.WARNING, "Other 1 has no package novnc, radvd", advice)
    assert describe_distribution(DEBIAN) == CheckResult("system", Severity.GOOD, "Debian")


def test_confined_programs_are_a_warning() -> None:
    """Only those that a stack runs and whose profile is enforced, by path or by name; a part of a profile does not count."""
    profiles = "/usr/sbin/slapd (enforce)\ndnsmasq (enforce)\nmariadbd (complain)\n/usr/bin/man (enforce)\nman//haproxy_ (enforce)\n"
    found = "confines dnsmasq, slapd, which cannot use the folder of a stack then"
    advice = "if one of them fails: apparmor_parser --remove /etc/apparmor.d/usr.sbin.dnsmasq"
    assert describe_confinement(profiles) == CheckResult("AppArmor", Severity.WARNING, found, advice)
    assert describe_confinement("") == CheckResult("AppArmor", Severity.GOOD, "confines no program that a stack runs")


def test_another_processor_is_bad() -> None:
    """The result names it and those that are supported."""
    advice = "use a machine with x86_64 or aarch64 processors"
    assert describe_processor("riscv64") == CheckResult("processor", Severity.BAD, "riscv64 is not supported", advice)
    assert describe_processor("aarch64") == CheckResult("processor", Severity.GOOD, "aarch64")


def test_the_python_of_the_tests_is_new_enough(tmp_path: Path) -> None:
    """The project requires the same version."""
    assert check_python(DEFAULTS, Paths(tmp_path)).severity is Severity.GOOD


@pytest.mark.parametrize("name", ["vm", "Odd-Host.Example.ORG", "1234.example", "0af3", "a.b."])
def test_a_host_name_is_accepted(name: str) -> None:
    """It may have a domain and upper case."""
    assert describe_host_name(name) == CheckResult("host name", Severity.GOOD, name)


@pytest.mark.parametrize("name", ["odd_host", "host_.example", "-vm", "vm-", "1234", "vm.1", "a..b", "hôte", "", "(none)"])
def test_a_host_name_that_neutron_rejects_is_bad(name: str) -> None:
    """The result names it and says how to change it."""
    result = describe_host_name(name)
    assert result.found == f"{name!r} is not a host name of letters, digits and hyphens whose last part is not a number"
    assert (result.severity, result.advice) == (Severity.BAD, "choose another one: hostnamectl hostname NAME")


def test_a_machine_without_semaphores_is_bad(tmp_path: Path) -> None:
    """The shared memory of a mount namespace of the test cannot be written; services with several processes would start none."""
    require_root()
    script = f"""
from novaflow.model.paths import Paths
from pathlib import Path
from tests.support.settings import make_settings
from workflows.platform.machine_requirements import check_shared_memory
print(check_shared_memory(make_settings(), Paths(Path({str(tmp_path)!r}))))
"""
    within = 'mount -t tmpfs -o ro tmpfs /dev/shm && exec "$0" -c "$1"'
    command = ("unshare", "--mount", "--propagation=private", "sh", "-c", within, sys.executable, script)
    shown = subprocess.run(command, capture_output=True, check=True, cwd=REPOSITORY, text=True, timeout=60).stdout.strip()
    found, advice = "no semaphore can be created in /dev/shm: read-only file system", "mount it: mount -t tmpfs tmpfs /dev/shm"
    assert shown == str(CheckResult("shared memory", Severity.BAD, found, advice))


def test_an_address_of_another_machine_is_bad(tmp_path: Path) -> None:
    """Services could not listen on it."""
    result = check_address(make_settings(host_ip="198.51.100.9"), Paths(tmp_path))
    expected = "HOST_IP=198.51.100.9 is not an address of this machine: cannot assign requested address"
    assert result == CheckResult("address", Severity.BAD, expected, "choose an address that `ip address` lists, or auto")


def test_a_long_folder_is_bad() -> None:
    """The paths of sockets in it would exceed the limit of the kernel."""
    folder = Path("/") / ("a" * 80)
    result = check_folder(DEFAULTS, Paths(folder))
    assert result == CheckResult("folder", Severity.BAD, f"{folder} has 81 bytes; the limit is 70", "choose a DIR with a shorter path")


def test_the_length_of_a_folder_is_counted_in_bytes() -> None:
    """A letter of another script has up to four of them."""
    result = check_folder(DEFAULTS, Paths(Path("/srv", "雲" * 30)))
    assert (result.severity, result.found.partition(" has ")[2]) == (Severity.BAD, "95 bytes; the limit is 70")
    assert check_folder(DEFAULTS, Paths(Path("/srv", "雲" * 20))).severity is Severity.GOOD


@pytest.mark.parametrize(
    ("folder", "named"),
    [
        ("/srv/my stack", "' '"),
        ("/srv/a#b", "'#'"),
        ("/srv/a%20b", "'%'"),
        ("/srv/it's", '"\'"'),
        ("/srv/a;$b", "'$', ';'"),
        ("/srv/a\nb", "'\\n'"),
        ("/srv/a:b", "':'"),
    ],
)
def test_a_folder_that_breaks_configuration_is_bad(folder: str, named: str) -> None:
    """The result names the characters, and the advice all that are refused."""
    result = check_folder(DEFAULTS, Paths(Path(folder)))
    assert (result.severity, result.found) == (
        Severity.BAD,
        f"{folder!r} contains {named}, which the configuration of services cannot contain",
    )
    assert result.advice == "choose a DIR without spaces and \" # $ % & ' * : ; ? \\ `"


@pytest.mark.parametrize("folder", ["/srv/nova", "/home/jürgen/nova-2", "/srv/a+b@c_d~,=/x.y"])
def test_a_folder_with_other_characters_is_good(folder: str) -> None:
    """Letters of any script and the usual punctuation are accepted."""
    assert check_folder(DEFAULTS, Paths(Path(folder))).severity is Severity.GOOD


def test_a_read_only_folder_of_locks_is_bad(tmp_path: Path) -> None:
    """/proc accepts no files."""
    result = check_lock_folder(make_settings(lock_path="/proc/1/locks"), Paths(tmp_path))
    assert (result.severity, result.advice) == (Severity.BAD, "choose another LOCK_PATH")
    assert result.found.startswith("/proc/1/locks cannot be written: /proc/1: ")


@pytest.mark.parametrize("is_installed", [False, True])
def test_an_installed_stack_needs_less_space(tmp_path: Path, is_installed: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """/sys has no free space: enough for a stack that is installed there, not for a new one."""
    paths = Paths(Path("/sys/nova"))
    if is_installed:
        (tmp_path / "data/template").mkdir(parents=True)
        (tmp_path / "data/template/key").touch()
        paths = Paths(tmp_path)
    result = check_disk_space(DEFAULTS, paths)
    assert (result.severity is Severity.GOOD) == is_installed
