"""Machines that are not wrong, but unlike those of the other tests: a cloud starts there, too, and leaves everything as it was."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cloud.fresh import FreshMachine, fresh_machine
from tests.cloud.stacks import Stack

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.long,
    pytest.mark.stops_cloud,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(shutil.which("slirp4netns") is None, reason="without slirp4netns, the machine has the network of this one"),
]

UP_WITHIN_S = 1200
WITHIN_S = 600
# A host name with a domain and upper case, which /etc/hosts does not have; a folder for temporary files from which no program runs;
# a link to the folder of the stack; no IPv6.
ODD = r"""
hostname Odd-Host.Example.ORG
mkdir /srv/noexec /srv/real
mount -t tmpfs -o noexec tmpfs /srv/noexec
ln -s real /srv/link
for name in all default lo; do echo 1 >/proc/sys/net/ipv6/conf/$name/disable_ipv6; done
"""
ODD_ENVIRONMENT = ("env", "-u", "HOME", "TERM=dumb", "LC_ALL=tr_TR.UTF-8", "TMPDIR=/srv/noexec")
# Package scripts cannot start services here. RabbitMQ has another port than usual, since the stack's own has the usual one.
NEIGHBOURS = r"""
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq --no-install-recommends install \
    mariadb-server rabbitmq-server libvirt-daemon-system libvirt-clients dnsmasq docker.io containerd nftables iptables procps
mount -t cgroup2 cgroup2 /sys/fs/cgroup
install -d -o mysql /run/mysqld
start() { setsid "$@" >/var/log/neighbour-$1.log 2>&1 & }
start mariadbd --user=mysql
export RABBITMQ_NODE_PORT=5673
start rabbitmq-server
start virtlogd
start libvirtd
start containerd
start dockerd --storage-driver=vfs
dnsmasq --listen-address=127.0.0.1 --bind-interfaces
nft 'table inet firewall { chain input { type filter hook input priority 0; policy drop; }; }'
nft add rule inet firewall input ct state established,related accept
nft add rule inet firewall input iif lo accept
until virsh --quiet net-start default; do sleep 1; done
until docker info && mariadb --execute 'CREATE DATABASE kept' && rabbitmqctl await_startup; do sleep 1; done
"""
# What the neighbours answer: before and after, the same.
ASK = r"""
mariadb --execute 'SHOW DATABASES'
rabbitmqctl --quiet list_users
virsh net-list --all
docker network ls
nft list table inet firewall
iptables --list-rules FORWARD
ss --listening --tcp --udp --numeric --no-header | sort
pgrep --list-full 'mariadbd|beam|epmd|virtlogd|libvirtd|dnsmasq|containerd|dockerd'
"""

# The firewall of Ubuntu. It refuses what comes in and what is forwarded.
UFW = """
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq --no-install-recommends install ufw iptables procps
ufw default deny incoming
ufw default deny routed
ufw --force enable
"""
ASK_UFW = "ufw status verbose; iptables --list-rules; ip6tables --list-rules"


@contextmanager
def unusual_machine(preparation: str) -> Iterator[FreshMachine]:
    """Return an empty Debian 12 after a shell script; nothing of the cloud may remain at the end."""
    with fresh_machine("bookworm") as machine:
        machine.run("sh", "-ec", preparation, within_s=WITHIN_S)
        processes, state = machine.processes(), machine.state()
        yield machine
        assert machine.processes() == processes
        assert machine.state() - state == set()


def test_an_odd_machine(stack: Stack) -> None:
    """`up`, `verify` and `clean` succeed, with an odd environment and a link as folder of the stack."""
    stack("clean")  # two clouds compete for processors

    def nova_sh(command: str, within_s: float) -> str:
        return machine.run(*ODD_ENVIRONMENT, "sh", "-c", f"umask 077 && exec ./nova.sh {command} /srv/link", within_s=within_s).stdout

    with unusual_machine(ODD) as machine:
        assert "real is ready" in nova_sh("up", UP_WITHIN_S)
        assert "verify succeeded" in nova_sh("verify", WITHIN_S)
        nova_sh("clean", WITHIN_S)


@pytest.mark.parametrize(("neighbours", "ask"), [(NEIGHBOURS, ASK), (UFW, ASK_UFW)], ids=["programs", "ufw"])
def test_a_shared_machine(stack: Stack, neighbours: str, ask: str) -> None:
    """A database, a broker, libvirt with its network, docker, a name server and a firewall run there: they are as before afterwards."""
    stack("clean")
    with unusual_machine(neighbours) as machine:
        before = machine.run("sh", "-ec", ask, within_s=WITHIN_S).stdout
        assert "nova is ready" in machine.run("./nova.sh", "up", within_s=UP_WITHIN_S).stdout
        assert "verify succeeded" in machine.run("./nova.sh", "verify", within_s=WITHIN_S).stdout
        machine.run("./nova.sh", "clean", within_s=WITHIN_S)
        assert machine.run("sh", "-ec", ask, within_s=WITHIN_S).stdout == before
