"""The newcomer's way: a machine that has nothing but Debian, and the repository."""

import pytest

from tests.cloud.fresh import fresh_machine
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1500)]

UP_WITHIN_S = 1200


def test_from_an_empty_debian_to_a_server_that_answers(stack: Stack) -> None:
    """`nova.sh up`, `verify` and `clean` are all it takes, and nothing of the cloud remains."""
    stack("clean")  # two clouds at once would take each other's time, and without slirp4netns each other's ports
    with fresh_machine() as machine:
        before = machine.look()
        up = machine.run("./nova.sh", "up", within_s=UP_WITHIN_S)
        assert "nova is ready" in up.stdout
        assert "verify succeeded" in machine.run("./nova.sh", "verify", within_s=600).stdout
        machine.run("./nova.sh", "clean", within_s=120)
        assert machine.processes() == set()
        assert machine.look() - before == set()
