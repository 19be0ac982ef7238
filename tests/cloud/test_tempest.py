"""OpenStack's own tests, run against the cloud."""

# ruff: noqa: S603, TID251 - tests start known programs

import re
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import openstack
import pytest

from tests.cloud.clients import connected, wait_for
from tests.cloud.stacks import NOVAFLOW, Stack
from workflows.verify.tempest.config import PREFIX

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1800), pytest.mark.filterwarnings("default")]

SMOKE_WITHIN_S = 1500
CLEANUP_WITHIN_S = 300


@pytest.fixture
def connection(cloud: Stack) -> Iterator[openstack.connection.Connection]:
    """Return a connection with the administrator's credentials."""
    with connected(cloud.folder / "credentials") as connection:
        yield connection


def find_remains(connection: openstack.connection.Connection) -> list[str]:
    """Return the names of tempest's resources."""
    identity: Any = connection.identity
    found = (
        *connection.compute.servers(all_projects=True),
        *connection.network.networks(),
        *connection.network.routers(),
        *connection.image.images(),
        *connection.block_storage.volumes(all_projects=True),
        *identity.projects(),
        *identity.users(),
    )
    return [each.name for each in found if each.name.startswith(PREFIX)]


def test_the_smoke_set_passes(cloud: Stack, connection: openstack.connection.Connection) -> None:
    """Every test of it passes, or is skipped by tempest because the stack has neither Swift nor Horizon nor a second host."""
    output = cloud("verify", "--tempest", within_s=SMOKE_WITHIN_S).stdout
    (passed,) = re.findall(r"✔ tempest\.run +succeeded +[\d.]+ s +(\d+) passed, \d+ skipped, 0 failed", output)
    assert int(passed) > 80  # of the release that the stack installs
    assert find_remains(connection) == []


def test_an_interrupted_run_leaves_nothing(cloud: Stack, connection: openstack.connection.Connection) -> None:
    """Ctrl-C ends the tests, and what they have created is deleted; the exit code is that of an interrupt."""
    command = (NOVAFLOW, "verify", cloud.folder, "--tempest", "test_server_basic_ops")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True) as running:
        wait_for("a resource of tempest's", lambda: find_remains(connection), CLEANUP_WITHIN_S)
        running.send_signal(signal.SIGINT)
        output, _ = running.communicate(timeout=CLEANUP_WITHIN_S)
    assert (running.returncode, "Traceback" in output) == (130, False), output
    wait_for("the deletion of its resources", lambda: find_remains(connection) == [], CLEANUP_WITHIN_S)


def test_a_name_without_a_test_is_an_error(cloud: Stack) -> None:
    """A job with a mistake in it must not count as success."""
    failed = cloud("verify", "--tempest", "tempest.apy", good=False)
    assert failed.returncode == 3
    assert "no test has a name with a match of `tempest.apy`" in failed.stderr
