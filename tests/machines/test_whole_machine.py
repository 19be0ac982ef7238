"""A whole machine, with systemd, a kernel of its own and services of its own: a cloud starts there, and again after a reboot."""

import shutil

import pytest

from tests.cloud.clients import wait_for
from tests.cloud.stacks import Stack
from tests.machines.whole_machine import whole_machine

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.long,
    pytest.mark.stops_cloud,
    pytest.mark.timeout(6 * 3600),  # emulated; with KVM it takes minutes
    pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="without QEMU, there is no machine"),
]

UP_WITHIN_S = 2 * 3600
WITHIN_S = 1800
CLIENT = "OS_CLOUD=novaflow OS_CLIENT_CONFIG_FILE=nova/credentials/clouds.yaml nova/venv/bin/openstack"


def test_a_cloud_survives_a_reboot(stack: Stack) -> None:
    """`up`, `verify` and `clean` succeed on Debian 12; after a reboot, systemd has started the cloud with its server and its volume."""
    stack("clean")  # the machine needs the processors
    with whole_machine("bookworm") as machine:
        before = machine.state()
        machine.run("install -d -m 700 nova && echo NOVAFLOW_TIMEOUT_FACTOR=20 >nova/.env", within_s=WITHIN_S)
        assert "nova is ready" in machine.run("./nova.sh up", within_s=UP_WITHIN_S).stdout
        assert "datapath system" in machine.run("./nova.sh events --kind step", within_s=WITHIN_S).stdout  # the kernel's Open vSwitch
        assert "verify succeeded" in machine.run("./nova.sh verify", within_s=WITHIN_S).stdout
        machine.run(f"{CLIENT} volume create --size 1 kept", within_s=WITHIN_S)
        machine.run(f"{CLIENT} server create --image ami-tty --flavor m1.tiny --network private --wait kept", within_s=WITHIN_S)
        machine.run("./nova.sh boot on", within_s=WITHIN_S)

        machine.reboot()
        wait_for("the cloud", lambda: "nova is ready" in machine.run("./nova.sh status", within_s=WITHIN_S, good=False).stdout, UP_WITHIN_S)
        assert machine.run("./nova.sh boot status", within_s=WITHIN_S).stdout
        assert "ACTIVE" in machine.run(f"{CLIENT} server show -f value -c status kept", within_s=WITHIN_S).stdout
        assert "available" in machine.run(f"{CLIENT} volume show -f value -c status kept", within_s=WITHIN_S).stdout
        assert "verify succeeded" in machine.run("./nova.sh verify", within_s=WITHIN_S).stdout

        machine.run("./nova.sh clean && ./nova.sh boot off", within_s=WITHIN_S)
        assert machine.state() - before == set()
