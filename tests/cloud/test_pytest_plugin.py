"""The fixtures of pytest, in a project that tests against a real cloud."""

# ruff: noqa: S603, TID251 - the program that the test starts is pytest

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cloud.stacks import Stack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(1200)]

PROJECT = """
def test_a_server(openstack_connection, event_stream):
    nova = openstack_connection
    assert nova.auth["username"] == "demo"
    image, network = nova.image.find_image("ami-tty"), nova.network.find_network("private")
    created = nova.compute.create_server(name="mine", image_id=image.id, flavor_id="1", networks=[{"uuid": network.id}])
    try:
        event = event_stream.wait_for("instance.create-*", subject=created.id, within_s=120)
        assert event["type"] == "novaflow.instance.create-start"
        event_stream.wait_for("instance.create-end", subject=created.id, within_s=120)
    finally:
        nova.compute.delete_server(created)
        nova.compute.wait_for_delete(created, wait=120)
"""


def test_a_project_boots_a_server(cloud: Stack, tmp_path: Path) -> None:
    """It does so as an ordinary user, and sees the event of its server; the stack is joined and stays up."""
    (tmp_path / "test_project.py").write_text(PROJECT)
    argv: list[str | Path] = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        tmp_path,
        "--novaflow-dir",
        cloud.folder,
        tmp_path,
    ]
    ended = subprocess.run(argv, cwd=tmp_path, capture_output=True, check=False, text=True, timeout=400)
    assert ended.returncode == 0, ended.stdout
    assert cloud.status()["state"] == "ready"
