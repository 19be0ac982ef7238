"""A machine, an environment and a folder that are unusual, but not wrong: a cloud starts all the same."""

import shutil

import pytest

from tests.cloud.fresh import FreshMachine, fresh_machine
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.long, pytest.mark.stops_cloud, pytest.mark.timeout(1800)]

UP_WITHIN_S = 1200
# A host name with a domain, upper case and an underscore, which /etc/hosts does not have; no shared memory; a folder for temporary
# files from which no program runs; a link to the folder of the stack; no IPv6.
MACHINE = r"""
set -e
hostname Odd_Host.Example.ORG
umount /dev/shm
rmdir /dev/shm
mkdir /srv/noexec /srv/real
mount -t tmpfs -o noexec tmpfs /srv/noexec
ln -s real /srv/link
for name in all default lo; do echo 1 >/proc/sys/net/ipv6/conf/$name/disable_ipv6; done
"""
ENVIRONMENT = ("env", "-u", "HOME", "TERM=dumb", "LC_ALL=tr_TR.UTF-8", "TMPDIR=/srv/noexec")


def run(machine: FreshMachine, command: str, within_s: float) -> str:
    """Run a command of nova.sh on the stack, and return its output."""
    return machine.run(*ENVIRONMENT, "sh", "-c", f"umask 077 && exec ./nova.sh {command} /srv/link", within_s=within_s).stdout


def test_a_cloud_on_an_odd_machine(stack: Stack) -> None:
    """`up`, `verify` and `clean` succeed, and nothing of the cloud remains."""
    if shutil.which("slirp4netns") is None:
        pytest.skip("without slirp4netns, the machine has the network of this one, whose IPv6 must stay")
    stack("clean")
    with fresh_machine("bookworm") as machine:
        machine.run("sh", "-c", MACHINE, within_s=30)
        before = machine.state()
        assert "nova is ready" in run(machine, "up", UP_WITHIN_S)
        assert "verify succeeded" in run(machine, "verify", 600)
        run(machine, "clean", 300)
        assert machine.processes() == set()
        assert machine.state() - before == set()
