"""A machine on which other programs run that a cloud runs, too: they stay as they are."""

import shutil

import pytest

from tests.cloud.fresh import fresh_machine
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


def test_a_shared_machine(stack: Stack) -> None:
    """A database, a broker, libvirt with its network, docker, a name server and a firewall run there: they are as before afterwards."""
    stack("clean")
    with fresh_machine("bookworm") as machine:
        machine.run("sh", "-ec", NEIGHBOURS, within_s=WITHIN_S)
        processes, state = machine.processes(), machine.state()
        before = machine.run("sh", "-ec", ASK, within_s=WITHIN_S).stdout
        assert "nova is ready" in machine.run("./nova.sh", "up", within_s=UP_WITHIN_S).stdout
        assert "verify succeeded" in machine.run("./nova.sh", "verify", within_s=WITHIN_S).stdout
        machine.run("./nova.sh", "clean", within_s=WITHIN_S)
        assert machine.run("sh", "-ec", ASK, within_s=WITHIN_S).stdout == before
        assert machine.processes() == processes
        assert machine.state() - state == set()
