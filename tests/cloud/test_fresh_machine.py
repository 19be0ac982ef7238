"""The first steps of a new user, on a machine with a minimal Debian and the repository."""

import pytest

from tests.cloud.fresh import fresh_machine
from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.stops_cloud, pytest.mark.timeout(1500)]

UP_WITHIN_S = 1200


@pytest.mark.parametrize("release", [pytest.param("bookworm", marks=pytest.mark.long), "trixie"])
def test_a_new_user_boots_a_server(stack: Stack, release: str) -> None:
    """`nova.sh up`, `verify` and `clean` succeed, and nothing of the cloud remains."""
    stack("clean")  # two clouds compete for processors and, without slirp4netns, for ports
    with fresh_machine(release) as machine:
        before = machine.state()
        up = machine.run("./nova.sh", "up", within_s=UP_WITHIN_S)
        assert "nova is ready" in up.stdout
        assert "verify succeeded" in machine.run("./nova.sh", "verify", within_s=600).stdout
        machine.run("./nova.sh", "clean", within_s=120)
        assert machine.processes() == set()
        assert machine.state() - before == set()
